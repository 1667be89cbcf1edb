"""How far forget sets overlap that were chosen by a measurement: between seeds, and between settings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from operator import itemgetter
from statistics import fmean
from typing import Any

from unlearn_cli.compare.comparison import Cell, Column, Row, Table
from unlearn_cli.compare.groups import Group, named_apart, place
from unlearn_cli.compare.keys import BASE, Keys, circumstances, seeds, setting_keys, token
from unlearn_cli.compare.records import Found, Run, Unfit, load
from unlearn_cli.compare.statistics import Estimate, jaccard_by_chance
from unlearn_cli.evaluation.meaning import Meaning

MANIFEST = "forget.json"
SIZES = ("forget.fraction", "forget.count")
JACCARD, CHANCE = "jaccard", "chance"
COLUMNS = {
    JACCARD: Column(Meaning("Jaccard", "%", "higher", "samples in both forget sets, of those in either"), ""),
    CHANCE: Column(Meaning("by chance", "%", "higher", "Jaccard index expected of random sets"), ""),
}
SAID = (
    "Jaccard index |A ∩ B| / |A ∪ B|, mean over n pairs of forget sets.",
    "by chance: what is expected of as many samples (classes, …, if these are chosen) drawn at random.",
)


@dataclass(frozen=True)
class ForgetSet:
    """A run's forget.json."""

    rows: frozenset[int]
    fingerprint: str
    facts: dict[str, Any]
    pair: str
    """Token of the seeds that did not choose it."""
    there: int | None
    """How many units it was chosen from; None where that is not told."""

    @property
    def unit(self) -> str:
        """What is chosen as a whole: sample, class, …"""
        return str(self.facts.get("unit", "sample"))

    def units(self, there: int) -> int:
        """How many of so many units it holds."""
        if self.unit == "sample":
            return len(self.rows)
        return self.facts["count"] or round(self.facts["fraction"] * there)


@dataclass
class Sets:
    """The forget sets of one setting by token of their seeds."""

    keys: Keys
    chosen: bool
    by_seeds: dict[str, ForgetSet] = field(default_factory=dict)

    def same_draws(self, other: "Sets") -> bool:
        """Whether both are nothing but the same draws, as random sets are under two models."""
        common = self.by_seeds.keys() & other.by_seeds.keys()
        same = all(self.by_seeds[key].fingerprint == other.by_seeds[key].fingerprint for key in common)
        return not self.chosen and not other.chosen and bool(common) and same


def overlaps(runs: Sequence[Run], found: Found) -> list[Table]:
    """A table for each data set, split and size (as asked for) of forget sets chosen by more than a draw.

    A row for each setting with such sets, of the pairs of its seeds; and one for each two settings, at least
    one of them with such sets, of the pairs whose seeds outside of the forget set are equal. No forget set is
    read where there is nothing to compare it with; of one that cannot be read, `found` is told.
    """
    parts = [sets for sets in _comparable(runs, found) if any(one.chosen for one in sets)]
    common = [{key: value for key, value in sets[0].keys.items() if _common(key)} for sets in parts]
    titles = [f"Overlap of forget sets · {name}" for name, _ in named_apart(common, itemgetter("data"))]
    tables = [
        Table(title, {}, COLUMNS, rows, said=SAID, rows_are="forget sets")
        for title, sets in zip(titles, parts, strict=True)
        if (rows := list(_rows(sets)))
    ]
    return sorted(tables, key=lambda table: table.title)


def _comparable(runs: Sequence[Run], found: Found) -> list[list[Sets]]:
    """The sets of the settings, by data, split and size."""
    wanted = {_draw(run) for run in runs if _chosen(run)}
    parts: dict[str, dict[str, Sets]] = {}
    known = set()
    for run in runs if wanted else ():
        if _draw(run) not in wanted or (where := circumstances(run)) in known:
            continue
        try:
            space, one = _read_forget_set(run)
        except Unfit as error:
            found.leave_out("of unknown forget set, not in the overlaps", run.folder, error.args[-1])
            continue
        known.add(where)
        keys = setting_keys(run)
        part = parts.setdefault(f"{space} {_sizes_asked_for(run)}", {})
        sets = part.setdefault(token(keys), Sets(keys, _chosen(run)))
        sets.by_seeds[token(seeds(run))] = one
    return [_merged(list(sets.values())) for sets in parts.values()]


def _common(key: str) -> bool:
    """Whether a key is one of those that the sets of a table have in common."""
    return key == "data" or key.startswith("data.") or key in SIZES


def _chosen(run: Run) -> bool:
    """Whether something was measured to choose its forget set."""
    return bool(run.result.get("forget", {}).get("found"))


def _sizes_asked_for(run: Run) -> str:
    facts = run.result.get("forget", {}).get("facts", {})
    return token([facts.get(key.rpartition(".")[2]) for key in SIZES])


def _draw(run: Run) -> str:
    """Equal for runs whose forget sets may be compared, as far as that is known without reading them."""
    return token([run.result["choices"].get("data"), run.config.get("data"), _sizes_asked_for(run)])


def _read_forget_set(run: Run) -> tuple[str, ForgetSet]:
    """The space of rows that they are from, and the set."""
    manifest = load(run.folder / MANIFEST)
    try:
        space = token([manifest["data_fingerprint"], manifest["split_fingerprint"]])
        rows, fingerprint, facts = (manifest[key] for key in ("indices", "fingerprint", "facts"))
    except KeyError as error:
        raise Unfit("of another version", f"{MANIFEST} lacks {error}") from error
    there = manifest.get("found", {}).get("units")
    return space, ForgetSet(frozenset(rows), fingerprint, facts, token(seeds(run, ["forget"])), there)


def _merged(settings: list[Sets]) -> list[Sets]:
    """The same draws only once, with the keys that their settings have in common."""
    merged: list[Sets] = []
    for sets in settings:
        if first := next((one for one in merged if one.same_draws(sets)), None):
            first.by_seeds = sets.by_seeds | first.by_seeds
            first.keys = {key: value for key, value in first.keys.items() if sets.keys.get(key) == value}
        else:
            merged.append(sets)
    return merged


def _rows(settings: Sequence[Sets]) -> Iterator[Row]:
    bases = {group for group in BASE if len({one.keys.get(group) for one in settings}) > 1} | {"forget"}

    def name(keys: Keys) -> str:
        return place({key: value for key, value in keys.items() if key in bases})

    names = [label for label, _ in named_apart([one.keys for one in settings], name)]
    there = _units_to_choose_from(settings)
    named = sorted(zip(names, settings, strict=True), key=lambda one: (not one[1].chosen, one[0]))
    for label, one in named:
        if one.chosen:
            yield from _row(f"{label}, pairs of seeds", list(combinations(one.by_seeds.values(), 2)), there)
    for (label, one), (other_label, other) in combinations(named, 2):
        if one.chosen:
            pairs = [
                (a, b) for a, b in product(one.by_seeds.values(), other.by_seeds.values()) if a.pair == b.pair
            ]
            yield from _row(f"{label} with {other_label}, equal seeds", pairs, there)


def _row(name: str, pairs: list[tuple[ForgetSet, ForgetSet]], there: dict[str, int]) -> Iterator[Row]:
    """None of no pairs."""
    if pairs:
        found = [len(a.rows & b.rows) / len(a.rows | b.rows) for a, b in pairs]
        cells = {JACCARD: _mean(found), CHANCE: _mean([_by_chance(a, b, there) for a, b in pairs])}
        yield Row(Group(name, {}, ()), cells, len(pairs))


def _by_chance(one: ForgetSet, other: ForgetSet, there: dict[str, int]) -> float | None:
    if one.unit != other.unit or one.unit not in there:
        return None
    n = there[one.unit]
    return jaccard_by_chance(one.units(n), other.units(n), n)


def _mean(values: Sequence[float | None]) -> Cell:
    """In percent. Pairs share sets, so that a deviation of theirs would say nothing."""
    known = [100 * value for value in values if value is not None]
    return Cell(Estimate(len(known), fmean(known), None, None, None) if known else None)


def _units_to_choose_from(settings: Sequence[Sets]) -> dict[str, int]:
    """How many units there were to choose from, by kind."""
    return {one.unit: one.there for sets in settings for one in sets.by_seeds.values() if one.there}
