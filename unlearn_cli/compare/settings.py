"""Which runs share a table and which share a row: settings and the variants of methods compared in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from unlearn_cli.compare.groups import Group, by_equal_keys, named_apart, place
from unlearn_cli.compare.keys import (
    Keys,
    all_keys,
    as_overrides,
    base_keys,
    identity,
    setting_keys,
    variant_keys,
)
from unlearn_cli.compare.records import Found, Run
from unlearn_cli.compare.references import REFERENCES, references


@dataclass(frozen=True)
class Setting:
    """One table: all that is compared under equal conditions."""

    title: str
    keys: Keys
    groups: Sequence[Group]
    references: Sequence[Group]
    runs: Sequence[Run]
    """All of them, references' own among them."""


def settings(runs: Sequence[Run], by: Sequence[str] = ()) -> list[Setting]:
    """The runs by setting, and in each by variant of method and mask.

    With `by` there is a table for each choice of task, data, model and forget set, and in it a row for each
    combination of values of these keys.
    """
    return titled(by_equal_keys(runs, base_keys if by else setting_keys), by)


def titled(tables: Sequence[tuple[Keys, Sequence[Run]]], by: Sequence[str] = ()) -> list[Setting]:
    """A setting for each of these lots of runs, named by the keys that tell it from the others."""
    names = named_apart([keys for keys, _ in tables], place)
    return [
        Setting(title, keys, _groups(members, by), references(members), members)
        for (_, members), (title, keys) in zip(tables, names, strict=True)
    ]


def _groups(members: Sequence[Run], by: Sequence[str]) -> list[Group]:
    compared = [run for run in members if run.result["method"] not in REFERENCES]
    if by:
        rows = by_equal_keys(compared, partial(_picked, by))
        labels = [(_labelled(keys), keys) for keys, _ in rows]
    else:
        rows = by_equal_keys(compared, variant_keys)
        labels = named_apart([keys for keys, _ in rows], itemgetter("method"))
    return [Group(name, own, inside) for (name, own), (_, inside) in zip(labels, rows, strict=True)]


def without_repetitions(found: Found) -> list[Run]:
    """The runs, of those with the same configuration and seeds the one that tells of most oracles."""
    known: dict[str, Run] = {}
    for run in sorted(found.runs, key=lambda run: -len(run.result.get("oracles") or [])):
        known.setdefault(identity(run), run)
    kept = []
    for run in found.runs:
        first = known[identity(run)]
        if first is run:
            kept.append(run)
        else:
            found.leave_out("that repeat another's configuration and seeds", run.folder, f"as {first.folder}")
    return kept


def _picked(by: Sequence[str], run: Run) -> Keys:
    keys = all_keys(run)
    return {key: keys.get(key) for key in by}


def _labelled(keys: Keys) -> str:
    """`salun mask.fraction=0.3`: the method, if it is one of the keys, without its own."""
    others = as_overrides({key: value for key, value in keys.items() if key != "method"})
    return f"{keys.get('method') or ''} {others}".strip()
