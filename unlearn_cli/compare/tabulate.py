"""A table for each setting: what its rows have in each metric, ranked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from statistics import fmean
from typing import Any

from unlearn_cli.compare.comparison import AGAIN, Cell, Column, Comparison, Options, Row, Table
from unlearn_cli.compare.equal_rows import with_one_forget_seed
from unlearn_cli.compare.floor import Floor, floor_of
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.held_against import held_against
from unlearn_cli.compare.intervals import Interval
from unlearn_cli.compare.keys import origin
from unlearn_cli.compare.meanings import meanings_in
from unlearn_cli.compare.nested import sentences
from unlearn_cli.compare.ranking import Aim, Place, ranked
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import RETRAIN
from unlearn_cli.compare.reported import Reported
from unlearn_cli.compare.settings import Setting, settings
from unlearn_cli.compare.statistics import Estimate, estimate
from unlearn_cli.compare.table import HEADLINE
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning

ALL = "all"
MINOR = ("peak_memory_mb", "samples", "delta_mb")
"""What is left out unless it is asked for, so that the rest stands side by side."""


def compare(runs: Sequence[Run], options: Options, left_out: Sequence[str] = ()) -> Comparison:
    """Group, count and rank.

    Raises:
        InputError: a metric or ranking key that is unknown or was not measured.
    """
    measured = measured_in(runs)
    columns = chosen_metrics(options.metrics, measured)
    if options.rank_by != Options.rank_by:
        _check("--rank-by", options.rank_by, measured)
    meanings, alike = meanings_in(runs), with_one_forget_seed(runs)
    tables = [_table(setting, columns, options, meanings) for setting in settings(alike, options.by)]
    return Comparison(sorted(tables, key=lambda table: table.title), options, left_out)


def measured_in(runs: Sequence[Run]) -> list[str]:
    """The metrics that some of these runs have."""
    known = meanings_in(runs)
    return list(dict.fromkeys(key for run in runs for key in run.values if key in known))


def chosen_metrics(wanted: Sequence[str] | None, measured: list[str]) -> list[str]:
    """What `--metrics` asks for; if it is not given, the headline and the metrics of plug-ins.

    Raises:
        InputError: a metric that is unknown or was not measured.
    """
    headline = [key for key in HEADLINE if key in measured]
    if wanted is None:
        own = [key for key in measured if key not in MEANINGS]
        return [key for key in headline if key not in MINOR] + own
    if list(wanted) == [ALL]:
        return headline + [key for key in measured if key not in headline]
    for key in wanted:
        _check("--metrics", key, measured)
    return list(wanted)


def _check(flag: str, key: str, measured: Sequence[str]) -> None:
    if key not in measured:
        wrong = "not measured in these runs" if key in MEANINGS else "no such metric"
        raise InputError(f"{flag} {key}: {wrong}; {did_you_mean(key, measured)}")


def _table(setting: Setting, columns: list[str], options: Options, meanings: Mapping[str, Meaning]) -> Table:
    runs = [run for group in (*setting.references, *setting.groups) for run in group.runs]
    measured = measured_in(runs)
    rank_by = options.rank_by
    if rank_by == Options.rank_by and rank_by not in measured and "H" in measured:
        rank_by = "H"
    shown = {key: Column(meanings[key]) for key in dict.fromkeys([*columns, rank_by]) if key in measured}
    counted = [key for key in dict.fromkeys([*shown, *HEADLINE]) if key in measured]
    aim, floor = Aim(rank_by, meanings[rank_by], options.by, options.margin), floor_of(setting.runs)

    def row(group: Group, place: Place | None = None, reference: bool = False) -> Row:
        origins = [origin(run) for run in group.runs]
        cells = {key: cell(group.runs, key, options.interval, meanings[key], origins) for key in counted}
        if rank_by in cells:
            cells[rank_by] = _in_floors(cells[rank_by], aim, floor.under(group.runs, rank_by))
        return Row(group, cells, len(group.runs), place, reference, len(set(origins)))

    ranking = ranked(setting.groups, aim, setting.references, floor)
    rows = [row(group, place) for group, place in zip(setting.groups, ranking.places, strict=True)]
    rows.sort(key=lambda row: (row.place is None, row.place.rank if row.place else 0, row.name))
    references = [row(group, reference=True) for group in setting.references]
    if floor.oracles:
        again = _again(row(Group(AGAIN, {"method": RETRAIN}, floor.oracles), reference=True), floor)
        references.insert(1, again)
    found = Table(
        setting.title,
        setting.keys,
        shown,
        [*references, *rows],
        rank_by,
        aim=meanings[rank_by],
        said=[] if options.by else sentences(setting.groups, rank_by, meanings[rank_by]),
        reach=ranking.reach,
    )
    return held_against(options.published, found) if options.published else found


def cell(
    runs: Sequence[Run], key: str, interval: Interval, meaning: Meaning, origins: Sequence[str] = ()
) -> Cell:
    """What these runs say of one metric. origins: of each run, where means are to count originals."""
    expected: Mapping[str, Any] = next((e for run in runs if (e := run.result["expected"])), {})
    mean, std = expected.get(key, (None, None))
    paper = None if mean is None else Reported("paper", mean, std)
    low, high = meaning.bounds
    value = _over([run.values.get(key) for run in runs], origins, interval, meaning.bounds)
    gap = _over([run.gap.get(key) for run in runs], origins, interval, (0, high - low))
    return Cell(value, gap, paper)


def _over(
    values: Sequence[float | None], origins: Sequence[str], interval: Interval, bounds: tuple[float, float]
) -> Estimate | None:
    """Deviation over runs; mean and interval over their originals, of which several runs count once."""
    over_runs = estimate([value for value in values if value is not None], interval, bounds)
    if over_runs is None or len(set(origins)) == len(origins):
        return over_runs
    found: dict[str, list[float]] = {}
    for where, value in zip(origins, values, strict=True):
        if value is not None:
            found.setdefault(where, []).append(value)
    over_origins = estimate([fmean(same) for same in found.values()], interval, bounds)
    assert over_origins
    mean = over_origins.mean if over_runs.std else over_runs.mean  # equal counts stay counts
    return replace(over_runs, mean=mean, low=over_origins.low, high=over_origins.high)


def _in_floors(cell: Cell, aim: Aim, floor: float | None) -> Cell:
    """With its gap in units of the floor under these runs."""
    gap = cell.value if aim.key == AVERAGE else cell.gap
    return replace(cell, times=gap.mean / floor) if gap and floor and isfinite(gap.mean) else cell


def _again(row: Row, floor: Floor) -> Row:
    """The oracles' row with the gaps of all pairs, which have no interval: they are not independent."""
    cells = {}
    for key, own in row.cells.items():
        pairs = estimate(floor.pairs.get(key, []), "t")
        mean = floor.mean(key)
        gap = (
            replace(pairs, mean=pairs.mean if mean is None else mean, low=None, high=None) if pairs else None
        )
        cells[key] = Cell(gap) if key == AVERAGE else Cell(own.value, gap)
    return replace(row, cells=cells)
