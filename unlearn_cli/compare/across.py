"""A comparison across a config group: its options side by side, and the change from one to another."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from unlearn_cli.compare.comparison import (
    Cell,
    Column,
    Comparison,
    Options,
    Row,
    Table,
)
from unlearn_cli.compare.equal_rows import with_one_forget_seed
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.intervals import Interval
from unlearn_cli.compare.keys import origin
from unlearn_cli.compare.meanings import meanings_in
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.sides import Sides, side_by_side
from unlearn_cli.compare.statistics import estimate, paired
from unlearn_cli.compare.tabulate import cell, chosen_metrics, measured_in
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.gaps import OF_ANSWERS, OF_DOMAINS
from unlearn_cli.evaluation.meaning import Meaning

DEFAULT = ("UA", "MIA", "RA", "TA", "avg_gap", *dict.fromkeys([*OF_DOMAINS, *OF_ANSWERS]))
"""The metrics, unless others are asked for: the order of the worst-case paper's tables, then a CLIP's."""


def across(runs: Sequence[Run], options: Options, left_out: Sequence[str] = ()) -> Comparison:
    """A table for all settings that differ only in the group `options.across`.

    A row for each variant of method and mask; for each metric a column for each side and one for the change
    from the first side to each other: the mean, over the seeds that both have, of the paired differences.
    Runs of equal seeds (several draws of a forget set) are averaged before. Rows have no rank.

    Raises:
        InputError: nothing to lay side by side, an unknown metric, or options that say something of ranks.
    """
    assert options.across
    if options.by or options.rank_by != Options.rank_by or options.margin is not None:
        raise InputError(
            f"--across {options.across}: cannot be had with --by, --rank-by or --margin; leave these out"
        )
    measured = measured_in(runs)
    metrics = chosen_metrics(options.metrics or [key for key in DEFAULT if key in measured], measured)
    sides, alone = side_by_side(with_one_forget_seed(runs), options.across)
    tables = [_table(one, metrics, options.interval, meanings_in(runs)) for one in sides]
    if alone:
        first = f"{alone[0].folder}{', …' if len(alone) > 1 else ''}"
        left_out = [*left_out, f"left out: {len(alone)} with nothing beside them ({first})"]
    return Comparison(sorted(tables, key=lambda table: table.title), options, left_out)


def _table(
    sides: Sides, metrics: Sequence[str], interval: Interval, meanings: Mapping[str, Meaning]
) -> Table:
    first, *others = sides.names.values()
    setting = sides.setting
    measured = measured_in([r for group in (*setting.references, *setting.groups) for r in group.runs])
    metrics = [key for key in metrics if key in measured]
    meanings = {key: meanings[key] for key in metrics}
    parts = [*sides.names.values(), *(_change(first, other) for other in others)]
    columns = {f"{key}/{part}": Column(meanings[key], part) for key in metrics for part in parts}
    rows = [_row(sides, group, meanings, interval, reference=True) for group in setting.references]
    rows += [
        _row(sides, group, meanings, interval, reference=False)
        for group in sorted(setting.groups, key=lambda group: group.name)
    ]
    return Table(setting.title, setting.keys, columns, rows)


def _row(
    sides: Sides, group: Group, meanings: Mapping[str, Meaning], interval: Interval, reference: bool
) -> Row:
    parts = sides.parts(group)
    first, *others = parts
    cells: dict[str, Cell] = {}
    for key, meaning in meanings.items():
        cells |= {
            f"{key}/{name}": cell(runs, key, interval, meaning, [*map(origin, runs)])
            for name, runs in parts.items()
        }
        width = meaning.bounds[1] - meaning.bounds[0]
        values = {name: _by_pair(sides, runs, key) for name, runs in parts.items()}
        for other in others:
            change = estimate(paired(values[other], values[first]), interval, (-width, width))
            cells[f"{key}/{_change(first, other)}"] = Cell(change, signed=True)
    originals = len({origin(run) for run in group.runs})
    return Row(group, cells, max(map(len, parts.values())), reference=reference, originals=originals)


def _change(first: str, other: str) -> str:
    return f"{first} → {other}"


def _by_pair(sides: Sides, runs: Sequence[Run], key: str) -> dict[str, float]:
    """The metric by seeds, as a mean."""
    found: dict[str, list[float]] = {}
    for run in runs:
        if key in run.values:
            found.setdefault(sides.pair(run), []).append(run.values[key])
    return {pair: fmean(values) for pair, values in found.items()}
