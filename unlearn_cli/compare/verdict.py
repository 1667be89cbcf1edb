"""What a table can and cannot tell, in sentences: its floor, its original, its first row."""

from unlearn_cli.compare.cell_text import in_floors
from unlearn_cli.compare.comparison import AGAIN, Row, Table
from unlearn_cli.compare.numbers import number
from unlearn_cli.compare.ranking import Reach
from unlearn_cli.evaluation.meaning import Meaning


def aim_text(meaning: Meaning) -> str:
    """What ranks: the metric, or the distance to the oracle in it."""
    return f"distance to the oracle in {meaning.name}" if meaning.better == "oracle" else meaning.name


def verdict(table: Table) -> list[str]:
    """Whether the setting can tell methods apart, what the first row is worth, and how a floor is had."""
    first = next((row for row in table.rows if row.place), None)
    if table.aim is None or first is None:
        return []
    said = [_reach_text(table.reach, table.aim)] if table.reach else []
    said += _first_text(first, table)
    if not any(row.name == AGAIN for row in table.rows) and any(cell.gap for cell in first.cells.values()):
        said.append(
            "No floor: each forget set has one oracle, so nothing tells how far another would be. "
            "oracle.count=2 gives one, and so do several seeds of one forget.seed."
        )
    return said


def _reach_text(reach: Reach, aim: Meaning) -> str:
    original, floor = number(reach.original, aim.unit), number(reach.floor, aim.unit)
    known = (
        f"the original, with nothing unlearned, is {original} from the oracle in {aim.name}, another oracle "
        f"{floor} (the floor)"
    )
    p = "" if reach.p is None else f"; one-sided p {_p_text(reach.p)}"
    if reach.can_tell is None:
        return f"Whether this setting can tell methods apart takes three common seeds; so far {known}."
    return f"This setting {'can' if reach.can_tell else 'cannot'} tell methods apart: {known}{p}."


def _p_text(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.2g}"


def _first_text(first: Row, table: Table) -> list[str]:
    assert first.place
    assert table.rank_by
    said, times = [], first.cells[table.rank_by].times
    if times is not None and times <= 1:
        said.append(
            f"{first.name}, the first, lies within the floor ({in_floors(times)}): "
            "nothing can be told to be nearer to the oracle."
        )
    if first.warnings:
        said.append("Nothing is bold: every ranked row has a destroyed model.")
    elif not first.place.beats_original:
        said.append(f"Nothing is bold: {first.name}, the first, is no better than the original.")
    return said
