"""What every output of a comparison renders: tables of rows of cells, ranked or laid side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from unlearn_cli.compare.floor import Floor, floor_of
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.intervals import Interval
from unlearn_cli.compare.keys import Keys
from unlearn_cli.compare.meanings import meanings_in
from unlearn_cli.compare.ranking import Aim, Place, Reach, ranked
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.references import RETRAIN
from unlearn_cli.compare.settings import Setting, settings
from unlearn_cli.compare.statistics import ROUNDING, Estimate, estimate
from unlearn_cli.compare.table import HEADLINE
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning

ALL = "all"
EQUAL, UNCLEAR, AS_ORACLE, OUTSIDE, DESTROYED = "=", "?", "≡", "†", "✗"
AGAIN = "oracle again"
"""The row of oracles beside each other, whose gaps are the floor."""

MINOR = ("peak_memory_mb", "samples", "delta_mb")
"""What is left out unless it is asked for, so that the rest stands side by side."""


@dataclass(frozen=True)
class Options:
    """What the command line may choose. metrics: keys, None = the main ones, ("all",) = all measured."""

    metrics: Sequence[str] | None = None
    rank_by: str = AVERAGE
    interval: Interval = "t"
    by: Sequence[str] = ()
    across: str | None = None
    margin: float | None = None
    """Differences below it count for nothing, in the unit of what ranks; None: the floor."""


@dataclass(frozen=True)
class Column:
    """A metric: of all of a row's runs, or of those that `part` names; then its head has no arrow."""

    meaning: Meaning
    part: str | None = None

    @property
    def label(self) -> str:
        """Its head; the part stands below, in as many lines as it has words, since cells are narrow."""
        if self.part is None:
            return self.meaning.label
        unit = f" ({self.unit})" if self.unit else ""
        below = self.part.replace(" ", "\n").replace("\n→", " →")
        return f"{self.meaning.name}{unit}\n{below}".rstrip()

    @property
    def unit(self) -> str:
        return self.meaning.unit


@dataclass(frozen=True)
class Cell:
    """One metric of one row. Gaps are to the oracle of the same seed; paper is (mean, deviation or None).

    A change (`signed`) is a difference between two parts of the row's runs. `times` is the gap in units of
    the floor, of the metric that ranks and where there is a floor.
    """

    value: Estimate | None
    gap: Estimate | None = None
    paper: tuple[float, float | None] | None = None
    signed: bool = False
    times: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours − the paper's."""
        return self.value.mean - self.paper[0] if self.value and self.paper else None

    @property
    def outside(self) -> bool:
        """Farther from the paper's mean than the paper's own deviation, where it gives one."""
        if self.difference is None or self.paper is None or self.paper[1] is None:
            return False
        within = abs(self.difference) <= self.paper[1] + ROUNDING
        return not within  # nor is a mean that is not finite


@dataclass(frozen=True)
class Row:
    """One variant of a method, or a reference (oracle, oracle again, original).

    It has a cell for every column and, where rows are ranked, for every headline metric; a cell is of n runs
    if it does not say otherwise.
    """

    group: Group
    cells: Mapping[str, Cell]
    n: int
    place: Place | None = None
    reference: bool = False

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def best(self) -> bool:
        """Whether it is to be told from the others: of rank 1, better than the original, not destroyed, and
        in a setting that can tell methods apart."""
        return self.place is not None and self.place.bold

    @property
    def warnings(self) -> list[str]:
        """What its destroyed models say, one sentence for each run that has one."""
        return [run.result["warnings"][0] for run in self.group.runs if run.result["warnings"]]

    @property
    def marks(self) -> str:
        """What is claimed of it in signs, which the legend explains."""
        place = self.place
        found = (
            (EQUAL, place and place.equals_best),
            (UNCLEAR, place and place.cannot_tell),
            (AS_ORACLE, place and place.equals_oracle),
            (DESTROYED, self.warnings),
        )
        return "".join(mark for mark, holds in found if holds)

    @property
    def source(self) -> str | None:
        """Where the paper's numbers are from."""
        return next((run.result["source"] for run in self.group.runs if run.result["expected"]), None)


@dataclass(frozen=True)
class Table:
    """One setting: references first, then the ranked rows, then those that have no rank.

    rank_by is None where rows are not to be ranked; `said` are sentences to stand below.
    """

    title: str
    keys: Keys
    columns: Mapping[str, Column]
    rows: Sequence[Row]
    rank_by: str | None = None
    said: Sequence[str] = ()
    aim: Meaning | None = None
    """What rank_by means."""
    rows_are: str = "method"
    reach: Reach | None = None
    """Whether the setting can tell methods apart; None without a floor or an original."""


@dataclass(frozen=True)
class Comparison:
    tables: Sequence[Table]
    options: Options
    left_out: Sequence[str] = ()
    overlaps: Sequence[Table] = ()
    """How far the forget sets that were chosen by a measurement overlap; how far metrics agree."""


def compare(runs: Sequence[Run], options: Options, left_out: Sequence[str] = ()) -> Comparison:
    """Group, count and rank.

    Raises:
        InputError: a metric or ranking key that is unknown or was not measured.
    """
    measured = measured_in(runs)
    columns = chosen_metrics(options.metrics, measured)
    if options.rank_by != Options.rank_by:
        _check("--rank-by", options.rank_by, measured)
    tables = [_table(setting, columns, options, meanings_in(runs)) for setting in settings(runs, options.by)]
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
        cells = {key: cell(group.runs, key, options.interval, meanings[key]) for key in counted}
        if rank_by in cells:
            cells[rank_by] = _in_floors(cells[rank_by], aim, floor)
        return Row(group, cells, len(group.runs), place, reference)

    ranking = ranked(setting.groups, aim, setting.references, floor)
    rows = [row(group, place) for group, place in zip(setting.groups, ranking.places, strict=True)]
    rows.sort(key=lambda row: (row.place is None, row.place.rank if row.place else 0, row.name))
    references = [row(group, reference=True) for group in setting.references]
    if floor.oracles:
        again = _again(row(Group(AGAIN, {"method": RETRAIN}, floor.oracles), reference=True), floor)
        references.insert(1, again)
    return Table(
        setting.title,
        setting.keys,
        shown,
        [*references, *rows],
        rank_by,
        aim=meanings[rank_by],
        reach=ranking.reach,
    )


def cell(runs: Sequence[Run], key: str, interval: Interval, meaning: Meaning) -> Cell:
    """What these runs say of one metric."""
    found = [run.values[key] for run in runs if key in run.values]
    gap = [run.gap[key] for run in runs if key in run.gap]
    expected: Mapping[str, Any] = next((e for run in runs if (e := run.result["expected"])), {})
    mean, std = expected.get(key, (None, None))
    paper = None if mean is None else (mean, std)
    low, high = meaning.bounds
    return Cell(estimate(found, interval, meaning.bounds), estimate(gap, interval, (0, high - low)), paper)


def _in_floors(cell: Cell, aim: Aim, floor: Floor) -> Cell:
    """With its gap in units of the floor."""
    gap, unit = cell.value if aim.key == AVERAGE else cell.gap, floor.mean(aim.key)
    return replace(cell, times=gap.mean / unit) if gap and unit and isfinite(gap.mean) else cell


def _again(row: Row, floor: Floor) -> Row:
    """The oracles' row with the gaps of all pairs, which have no interval: they are not independent."""
    cells = {}
    for key, own in row.cells.items():
        pairs = estimate(floor.pairs.get(key, []), "t")
        gap = replace(pairs, low=None, high=None) if pairs else None
        cells[key] = Cell(gap) if key == AVERAGE else Cell(own.value, gap)
    return replace(row, cells=cells)
