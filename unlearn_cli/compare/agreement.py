"""Whether metrics agree: the rank correlation of every two of them over the same runs.

Kendall's τ-b, as in the study of unlearning metrics that this follows (arXiv:2605.02206): it is the share of
pairs of runs that two metrics order alike, less the share that they order differently, it takes ties as they
come (percentages of few samples tie often), and its spread by chance is known for few runs. Spearman's ρ has
the same sign and no such reading.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import isfinite, sqrt
from pathlib import Path
from statistics import fmean, stdev

from scipy import stats

from unlearn_cli.compare.comparison import Cell, Column, Row, Table
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.meanings import meanings_in, score
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.rows import as_csv
from unlearn_cli.compare.settings import settings
from unlearn_cli.compare.statistics import Estimate
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.floor import AVERAGE
from unlearn_cli.evaluation.meaning import Meaning, arrow
from unlearn_cli.storage.files import replacing, write_json

FEWEST = 5
"""Runs of a setting below which not even the same order is to be told from chance (2 of 4! orders: 8 %)."""
FEW = 10
"""Runs below which only nearly the same order is (|τ| of about a half)."""
OF_CHANCE = 1.96
"""Deviations within which 95 % of unrelated rankings are."""


@dataclass(frozen=True)
class Agreement:
    """τ of two metrics in one setting, over the runs that have both."""

    setting: str
    metrics: tuple[str, str]
    tau: float
    n: int

    @property
    def deviation(self) -> float:
        """Of τ over unrelated rankings without ties (Kendall 1938)."""
        return sqrt(2 * (2 * self.n + 5) / (9 * self.n * (self.n - 1)))


@dataclass(frozen=True)
class Agreements:
    """Of every two metrics, in every setting that has enough runs."""

    meanings: Mapping[str, Meaning]
    """Of the metrics, in order."""
    found: Sequence[Agreement]
    small: int
    """Settings that have too few runs."""
    lost: Sequence[str]
    """Names of the metrics that no setting ranks."""

    def of(self, one: str, other: str) -> list[Agreement]:
        return [agreement for agreement in self.found if {*agreement.metrics} == {one, other}]


def agreements(runs: Sequence[Run], metrics: Sequence[str]) -> Agreements:
    """How far these metrics, and Avg Gap, order the runs of methods alike, setting by setting.

    Raises:
        InputError: no setting has enough runs, or in none of them two metrics differ.
    """
    meanings = meanings_in(runs)
    wanted = {key: meanings[key] for key in dict.fromkeys([AVERAGE, *metrics])}
    lots = {
        setting.title: [run for group in setting.groups for run in group.runs] for setting in settings(runs)
    }
    enough = {title: inside for title, inside in lots.items() if len(inside) >= FEWEST}
    found = [
        agreement
        for title, inside in sorted(enough.items())
        for pair in combinations(wanted, 2)
        if (agreement := _agreement(title, inside, pair, wanted))
    ]
    if not enough:
        raise InputError(
            f"--agreement: it takes {FEWEST} runs of methods in a setting (other seeds count), and the "
            f"largest has {max(map(len, lots.values()))}; unlearn -m method=…,… seed=0,1,2 makes more"
        )
    if not found:
        raise InputError(
            f"--agreement: it takes two metrics with numbers that differ among {FEWEST} runs of a setting, "
            f"and of {', '.join(wanted)} there are none; --metrics all takes all that were measured"
        )
    present = {key for agreement in found for key in agreement.metrics}
    kept = {key: meaning for key, meaning in wanted.items() if key in present}
    lost = [meaning.name for key, meaning in wanted.items() if key not in present]
    return Agreements(kept, found, len(lots) - len(enough), lost)


def _agreement(
    title: str, runs: Sequence[Run], pair: tuple[str, str], meanings: Mapping[str, Meaning]
) -> Agreement | None:
    """None: too few runs have both, or one of them is the same for all."""
    scores = [tuple(_score(run, key, meanings[key]) for key in pair) for run in runs]
    both = [(one, other) for one, other in scores if one is not None and other is not None]
    if len(both) < FEWEST:
        return None
    tau = float(stats.kendalltau(*zip(*both, strict=True)).statistic)
    return Agreement(title, pair, tau, len(both)) if isfinite(tau) else None


def _score(run: Run, key: str, meaning: Meaning) -> float | None:
    """More is better; where the oracle is the aim, nearer to it."""
    value = score(run, key, meaning)
    return None if value is None or not isfinite(value) else -value


def as_table(agreements: Agreements) -> Table:
    """A row and a column for each metric, Avg Gap first; of several settings the mean and deviation of τ."""
    keys = [*agreements.meanings]
    columns = {key: Column(_shown(agreements.meanings[key]), "") for key in keys[:-1]}
    rows = []
    for number, key in enumerate(keys[1:], 1):
        cells = {
            other: _cell(agreements.of(key, other) if other in keys[:number] else []) for other in columns
        }
        n = max((cell.value.n for cell in cells.values() if cell.value), default=0)
        rows.append(Row(Group(_shown(agreements.meanings[key]).name, {}, ()), cells, n))
    title = "Agreement of metrics (Kendall's τ)"
    return Table(title, {}, columns, rows, said=[*_said(agreements)], rows_are="metric")


def _shown(meaning: Meaning) -> Meaning:
    """With the direction by which it ranks, and without a unit: it is ranks that are compared."""
    return Meaning(f"{meaning.name} {arrow(meaning.better)}", "", meaning.better, meaning.text)


def _cell(found: Sequence[Agreement]) -> Cell:
    if not found:
        return Cell(None)
    taus = [agreement.tau for agreement in found]
    spread = stdev(taus) if len(taus) > 1 else None
    n = sum(agreement.n for agreement in found)
    return Cell(Estimate(n, fmean(taus), spread, None, None), signed=True)


def _said(agreements: Agreements) -> Iterator[str]:
    titles = dict.fromkeys(agreement.setting for agreement in agreements.found)
    runs = {title: max(a.n for a in agreements.found if a.setting == title) for title in titles}
    yield (
        "Kendall's τ-b of two metrics' rankings of the n runs of methods: 1 the same order, 0 unrelated, "
        "−1 reversed. →oracle ranks by the distance to the oracle, ↑ and ↓ by the value. Oracle and "
        "original are left out."
    )
    if len(titles) > 1:
        yield f"Runs are ranked within each of {len(titles)} settings; mean of τ ± deviation over these."
    if agreements.small:
        yield f"Settings of fewer than {FEWEST} runs are left out: {agreements.small}."
    if agreements.lost:
        yield f"Left out, equal in all runs or of fewer than {FEWEST}: {', '.join(agreements.lost)}."
    several = [agreement for agreement in agreements.found if agreement.n == runs[agreement.setting]]
    widest = {agreement.setting: agreement.deviation for agreement in several}
    chance = OF_CHANCE * sqrt(sum(one**2 for one in widest.values())) / len(widest)
    yield (
        f"Of two unrelated metrics |τ| is below {chance:.2f} in 95 % of cases, by chance; it is larger where "
        "runs are alike, as the seeds of one method are."
    )
    if max(runs.values()) < FEW:
        yield f"Too few runs to say much: below {FEW} in a setting only nearly the same order counts."
    if AVERAGE in agreements.meanings:
        yield "Avg Gap is the mean of some of these gaps, and agrees with them in part by construction."


def write(agreements: Agreements, file: Path) -> None:
    """A line for every two metrics in every setting, as CSV or, by the file's suffix, as JSON."""
    lines = [
        {
            "setting": agreement.setting,
            "metric": agreement.metrics[0],
            "other": agreement.metrics[1],
            "tau": agreement.tau,
            "n": agreement.n,
            "chance": OF_CHANCE * agreement.deviation,
        }
        for agreement in agreements.found
    ]
    with replacing(file) as temporary:
        if file.suffix == ".json":
            write_json(temporary, lines)
        else:
            temporary.write_text(as_csv(lines), encoding="utf-8")
