"""The sentences under a table: what every output but the CSV says in words."""

from collections.abc import Iterator, Sequence
from math import isfinite

from unlearn_cli.compare.comparison import (
    AGAIN,
    AS_ORACLE,
    DESTROYED,
    EQUAL,
    OUTSIDE,
    UNCLEAR,
    Options,
    Table,
)
from unlearn_cli.compare.hypotheses import ALPHA
from unlearn_cli.compare.intervals import FEWEST, INTERVALS, LEVEL
from unlearn_cli.compare.keys import differing, setting_keys, variant_keys
from unlearn_cli.compare.ranking import Place
from unlearn_cli.compare.tuned import tuned
from unlearn_cli.compare.verdict import aim_text, verdict
from unlearn_cli.evaluation.floor import AVERAGE

REPORTED = {
    "paper": "paper: its mean and deviation, then ours − the paper's; "
    f"{OUTSIDE}: farther from it than its deviation (where it gives one).",
    "published": "published: mean and deviation over seeds, then ours − the published; "
    f"{OUTSIDE}: outside of the 95 % prediction interval of the mean of as many runs as ours.",
}
"""By source, what a number from elsewhere is."""


def legend(tables: Sequence[Table], options: Options, intervals: bool = True) -> list[str]:
    """What the numbers and marks of these tables mean."""
    rows = [row for table in tables for row in table.rows]
    cells = [row.cells[key] for table in tables for row in table.rows for key in table.columns]
    said = "Mean ± standard deviation over n runs"
    if any(cell.gap for cell in cells):
        said += " (mean distance to the oracle of the same seed)"
    if intervals:
        said += f" [{LEVEL * 100:.0f} % confidence interval of the mean, {INTERVALS[options.interval]}"
        few = any(row.n < FEWEST for row in rows) or any(cell.value and cell.value.std == 0 for cell in cells)
        said += (
            "; none of fewer than three runs or equal ones, which do not show how they vary]" if few else "]"
        )
    found = [f"{said}."]
    if any(cell.signed for cell in cells):
        found.append(
            "a → b: change from a to b, mean over the n seeds that both have "
            "(several runs of a seed are averaged first)."
        )
    if any(row.name == AGAIN for row in rows):
        found.append(
            f"{AGAIN}: each oracle beside each other one of the same forgotten rows; the mean of their gaps "
            "is the floor, and 2.1 × is a gap of 2.1 floors."
        )
    found += _marks(tables, options)
    sources = {cell.reported.source for cell in cells if cell.reported}
    found += [text for source, text in REPORTED.items() if source in sources]
    if any(not isfinite(cell.value.mean) for cell in cells if cell.value):
        found.append("nan, inf: of at least one run; such a mean has no deviation and no rank.")
    return found


def _marks(tables: Sequence[Table], options: Options) -> Iterator[str]:
    rows = [row for table in tables for row in table.rows]
    if any(row.best for row in rows):
        aims = dict.fromkeys(aim_text(table.aim) for table in tables if table.aim)
        yield (
            f"Bold: best by {' or '.join(aims)}, unless it is destroyed or no better than the original, or "
            "the setting cannot tell methods apart."
        )
    places = [row.place for row in rows if row.place]
    if explained := [*_equality(places, options), *_difference(places)]:
        yield (
            f"{'; '.join(explained)}. Paired t-tests over common seeds; each kind of claim is wrong in at "
            f"most {ALPHA * 100:.0f} % of tables (Holm's correction)."
        )


def _equality(places: Sequence[Place], options: Options) -> Iterator[str]:
    """The signs of equality, as far as it was tested: of one row alone with the oracle's."""
    best = any(place.p_equal is not None for place in places)
    oracle = any(place.p_oracle is not None for place in places)
    beside = "(a distance to it: equal to another oracle's, where there is one)"
    named = (
        (best, f"{EQUAL}: equal to the best"),
        (oracle, f"{AS_ORACLE}: equal to the oracle {beside}"),
    )
    if signs := [sign for tested, sign in named if tested]:
        margin = "the floor" if options.margin is None else f"{options.margin:g}"
        each = ", each" if len(signs) > 1 else ","
        yield f"{', '.join(signs)}{each} to less than {margin} (one-sided tests)"


def _difference(places: Sequence[Place]) -> Iterator[str]:
    if any(place.p_different is not None for place in places):
        yield (
            f"{UNCLEAR}: cannot tell, shown to be neither worse than the best nor equal to it; no sign: "
            "worse than the best"
        )


def notes(table: Table, by: Sequence[str]) -> list[str]:
    """What is to be said of this table alone: warnings, what was not tested, the paper, its own notes."""
    said = [
        f"{DESTROYED} {row.name}, {len(row.warnings)} of {len(row.group.runs)} runs: {row.warnings[0]}"
        for row in table.rows
        if row.warnings
    ]
    said += verdict(table) + _unranked(table) + _of_one_original(table) + _pooled(table, by) + tuned(table)
    if sources := dict.fromkeys(row.source for row in table.rows if row.source):
        said.append(f"paper: {'; '.join(sources)}.")
    return [*said, *table.said]


def _unranked(table: Table) -> list[str]:
    if table.aim is None:
        return []
    meaning = table.aim
    compared = [row for row in table.rows if not row.reference]
    if compared and not any(row.place for row in compared):
        measured = any(run.values.get(str(table.rank_by)) for row in compared for run in row.group.runs)
        lacking = "no finite" if measured and meaning.better != "oracle" else "no"
        return [
            f"Not ranked: {lacking} {aim_text(meaning)} ({meaning.text}); --rank-by takes any other metric."
        ]
    said = [] if table.rank_by == AVERAGE else [f"Ranked by {aim_text(meaning)}."]
    places = [(row.name, row.place) for row in compared if row.place]
    if untested := [name for name, place in places if place.rank > 1 and place.p_different is None]:
        said.append(
            f"Not tested against the best, for want of three common seeds: {', '.join(untested)}. "
            "Of fewer, any difference may be chance."
        )
    return said


def _pooled(table: Table, by: Sequence[str]) -> list[str]:
    """With `--by`: what the runs of a row differ in besides their seeds."""
    if not by:
        return []
    pooled = dict.fromkeys(
        key
        for row in table.rows
        if not row.reference
        for key in differing([setting_keys(run) | variant_keys(run) for run in row.group.runs])
    )
    named = [key for key in pooled if not key.endswith("_target_")]
    return [f"Rows pool runs that differ in {', '.join(named)}."] if named else []


def _of_one_original(table: Table) -> list[str]:
    """Runs that share an original and a forget set are no independent seeds."""
    counted = [row for row in table.rows if not row.reference and row.originals is not None]
    rows = [(row.name, len(row.group.runs), row.originals) for row in counted]
    named = ", ".join(f"{name} ({n} runs of {those})" for name, n, those in rows if those and those < n)
    return [f"Means, intervals and tests count originals, not runs: {named}."] if named else []
