"""What every output of a comparison renders: tables of rows of cells, ranked, with the notes that explain."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlearn_cli.compare.groups import Group, Setting, settings
from unlearn_cli.compare.keys import Keys
from unlearn_cli.compare.ranking import Place, placed
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.statistics import ROUNDING, Estimate, Interval, estimate
from unlearn_cli.compare.table import HEADLINE
from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning

ALL = "all"
TIED, OUTSIDE, DESTROYED = "≈", "†", "✗"


MINOR = ("peak_memory_mb", "samples")
"""What is left out unless it is asked for, so that the rest stands side by side."""


@dataclass(frozen=True)
class Options:
    """What the command line may choose. metrics: keys, None = the main ones, ("all",) = all measured."""

    metrics: Sequence[str] | None = None
    rank_by: str = "avg_gap"
    interval: Interval = "t"
    by: Sequence[str] = ()


@dataclass(frozen=True)
class Cell:
    """One metric of one row. Gaps are to the oracle of the same seed; paper is (mean, deviation or None)."""

    value: Estimate | None
    gap: Estimate | None
    paper: tuple[float, float | None] | None

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
    """One variant of a method, or a reference (retrain, original). It has a cell for every metric that is
    shown or belongs to the headline."""

    group: Group
    cells: Mapping[str, Cell]
    place: Place | None
    reference: bool

    @property
    def name(self) -> str:
        return self.group.name

    @property
    def n(self) -> int:
        return len(self.group.runs)

    @property
    def best(self) -> bool:
        return self.place is not None and self.place.rank == 1

    @property
    def tied(self) -> bool:
        return self.place is not None and self.place.tied

    @property
    def warnings(self) -> list[str]:
        """What its destroyed models say, one sentence for each run that has one."""
        return [run.result["warnings"][0] for run in self.group.runs if run.result["warnings"]]

    @property
    def marks(self) -> str:
        return (TIED if self.tied else "") + (DESTROYED if self.warnings else "")

    @property
    def source(self) -> str | None:
        """Where the paper's numbers are from."""
        return next((run.result["source"] for run in self.group.runs if run.result["expected"]), None)


@dataclass(frozen=True)
class Table:
    """One setting: references first, then the ranked rows, then those that have no rank."""

    title: str
    keys: Keys
    columns: Mapping[str, Meaning]
    rows: Sequence[Row]
    rank_by: str
    ranked_by: Meaning


@dataclass(frozen=True)
class Comparison:
    tables: Sequence[Table]
    options: Options
    left_out: Sequence[str] = field(default=())


def compare(runs: Sequence[Run], options: Options, left_out: Sequence[str] = ()) -> Comparison:
    """Group, count and rank.

    Raises:
        InputError: a metric or ranking key that is unknown or was not measured.
    """
    measured = list(dict.fromkeys(key for run in runs for key in run.values if key in MEANINGS))
    columns = _columns(options.metrics, measured)
    if options.rank_by != Options.rank_by:
        _check("--rank-by", options.rank_by, measured)
    tables = [_table(setting, columns, options) for setting in settings(runs, options.by)]
    return Comparison(sorted(tables, key=lambda table: table.title), options, left_out)


def _columns(wanted: Sequence[str] | None, measured: list[str]) -> list[str]:
    headline = [key for key in HEADLINE if key in measured]
    if wanted is None:
        return [key for key in headline if key not in MINOR]
    if list(wanted) == [ALL]:
        return headline + [key for key in measured if key not in headline]
    for key in wanted:
        _check("--metrics", key, measured)
    return list(wanted)


def _check(flag: str, key: str, measured: Sequence[str]) -> None:
    if key not in measured:
        wrong = "not measured in these runs" if key in MEANINGS else "no such metric"
        raise InputError(f"{flag} {key}: {wrong}; {did_you_mean(key, measured)}")


def _table(setting: Setting, columns: list[str], options: Options) -> Table:
    measured = {
        key for group in (*setting.references, *setting.groups) for run in group.runs for key in run.values
    }
    rank_by = options.rank_by
    shown = {key: MEANINGS[key] for key in dict.fromkeys([*columns, rank_by]) if key in measured}
    counted = [key for key in dict.fromkeys([*shown, *HEADLINE]) if key in measured]

    def row(group: Group, place: Place | None, reference: bool = False) -> Row:
        return Row(group, {key: _cell(group, key, options.interval) for key in counted}, place, reference)

    places = placed(setting.groups, rank_by, MEANINGS[rank_by], options.by)
    rows = [row(group, place) for group, place in zip(setting.groups, places, strict=True)]
    rows.sort(key=lambda row: (row.place is None, row.place.rank if row.place else 0, row.name))
    references = [row(group, None, reference=True) for group in setting.references]
    return Table(setting.title, setting.keys, shown, [*references, *rows], rank_by, MEANINGS[rank_by])


def _cell(group: Group, key: str, interval: Interval) -> Cell:
    found = [run.values[key] for run in group.runs if key in run.values]
    gap = [run.gap[key] for run in group.runs if key in run.gap]
    expected: Mapping[str, Any] = next((e for run in group.runs if (e := run.result["expected"])), {})
    mean, std = expected.get(key, (None, None))
    paper = None if mean is None else (mean, std)
    return Cell(estimate(found, interval), estimate(gap, interval), paper)
