"""Runs that differ only by chance, and what others are told apart by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from unlearn_cli.compare.keys import BASE, Keys, as_overrides, differing, token
from unlearn_cli.compare.records import Run


@dataclass(frozen=True)
class Group:
    """Runs that differ only by chance (or by what `--by` leaves out), with the keys that tell them apart."""

    name: str
    keys: Keys
    runs: Sequence[Run]


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
