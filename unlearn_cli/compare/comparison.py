"""What every output of a comparison renders: tables of rows of cells, ranked or laid side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.intervals import Interval
from unlearn_cli.compare.keys import Keys
from unlearn_cli.compare.published import Published
from unlearn_cli.compare.ranking import Place, Reach
from unlearn_cli.compare.reported import Reported
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import Meaning

EQUAL, UNCLEAR, AS_ORACLE, OUTSIDE, DESTROYED = "=", "?", "≡", "†", "✗"
AGAIN = "oracle again"
"""The row of oracles beside each other, whose gaps are the floor."""


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
    published: Published | None = None
    """What the runs are held against."""


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
    """One metric of one row. Gaps are to the oracle of the same seed; `reported` is what others found.

    A change (`signed`) is a difference between two parts of the row's runs. `times` is the gap in units of
    the floor, of the metric that ranks and where there is a floor.
    """

    value: Estimate | None
    gap: Estimate | None = None
    reported: Reported | None = None
    signed: bool = False
    times: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours − the reported."""
        return self.reported.difference(self.value) if self.value and self.reported else None

    @property
    def within(self) -> bool | None:
        """Whether ours is where the reported lets it be expected; None where that cannot be told."""
        return self.reported.within(self.value) if self.value and self.reported else None


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
    originals: int | None = None
    """How many originals its runs start from, where that is counted."""

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
