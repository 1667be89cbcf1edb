"""Which runs share a table and which share a row: settings and the variants of methods compared in them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

from unlearn_cli.compare.keys import (
    BASE,
    Keys,
    all_keys,
    as_overrides,
    base_keys,
    circumstances,
    differing,
    identity,
    setting_keys,
    token,
    variant_keys,
)
from unlearn_cli.compare.records import Found, Run
from unlearn_cli.evaluation.gaps import avg_gap, gaps

REFERENCES = {"retrain": "oracle", "original": "original"}
"""Methods whose numbers every run carries along, and under which key of its result."""


@dataclass(frozen=True)
class Group:
    """Runs that differ only by chance (or by what `--by` leaves out), with the keys that tell them apart."""

    name: str
    keys: Keys
    runs: Sequence[Run]


@dataclass(frozen=True)
class Setting:
    """One table: all that is compared under equal conditions."""

    title: str
    keys: Keys
    groups: Sequence[Group]
    references: Sequence[Group]


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
        Setting(title, keys, _groups(members, by), references(members))
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


def references(runs: Sequence[Run]) -> list[Group]:
    """Oracle and original of these runs, once for each seed, whether or not they were run themselves."""
    groups = []
    for method, key in REFERENCES.items():
        own = [run for run in runs if run.result["method"] == method]
        told = [_reference_run(run, method) for run in runs if run.result[key] is not None]
        known: dict[str, Run] = {}
        for run in own + told:
            known.setdefault(circumstances(run), run)
        if known:
            groups.append(Group(method, {"method": method}, list(known.values())))
    return groups


def without_repetitions(found: Found) -> list[Run]:
    """The runs, those with the same configuration and seeds counted once."""
    known: dict[str, Run] = {}
    for run in found.runs:
        first = known.setdefault(identity(run), run)
        if first is not run:
            found.leave_out("that repeat another's configuration and seeds", run.folder, f"as {first.folder}")
    return list(known.values())


def _reference_run(run: Run, method: str) -> Run:
    """What a run says of its oracle or its original, as a run of its own."""
    result, key = run.result, REFERENCES[method]
    gap = gaps(result[key], result["oracle"]) if result["oracle"] else None
    own: dict[str, Any] = {
        "method": method,
        "choices": {**result["choices"], "method": method, "mask": "none", "surgery": "none", "lora": "none"},
        "metrics": result[key],
        "cost": result[f"{key}_cost"] or {},
        "gap": gap,
        "avg_gap": avg_gap(gap) if gap else None,
        "warnings": [],
        "expected": None,
        "source": None,
    }
    return replace(run, result={**result, **own})


def by_equal_keys(runs: Sequence[Run], keys_of: Callable[[Run], Keys]) -> list[tuple[Keys, list[Run]]]:
    """The runs by equal keys, in the order of the first of each."""
    parts: dict[str, tuple[Keys, list[Run]]] = {}
    for run in runs:
        keys = keys_of(run)
        parts.setdefault(token(keys), (keys, []))[1].append(run)
    return list(parts.values())


def named_apart(items: Sequence[Keys], name: Callable[[Keys], str]) -> list[tuple[str, Keys]]:
    """Each item's name, with the keys in which those of the same name differ, and these keys."""
    alike: dict[str, list[Keys]] = {}
    for item in items:
        alike.setdefault(name(item), []).append(item)
    telling = {label: differing(group) if len(group) > 1 else [] for label, group in alike.items()}
    told = []
    for item in items:
        keys = {key: item[key] for key in telling[name(item)] if key in item}
        told.append((f"{name(item)} {as_overrides(keys)}".strip(), keys))
    return told


def place(keys: Keys) -> str:
    """`classification · digits · resnet20 · random`, as far as the keys say so."""
    return " · ".join(str(keys[group]) for group in BASE if group in keys)


def _picked(by: Sequence[str], run: Run) -> Keys:
    keys = all_keys(run)
    return {key: keys.get(key) for key in by}


def _labelled(keys: Keys) -> str:
    """`salun mask.fraction=0.3`: the method, if it is one of the keys, without its own."""
    others = as_overrides({key: value for key, value in keys.items() if key != "method"})
    return f"{keys.get('method') or ''} {others}".strip()
