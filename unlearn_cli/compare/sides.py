"""Which settings stand side by side: those that differ in one config group only (`--across forget`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter

from unlearn_cli.compare.groups import Group, by_equal_keys, named_apart
from unlearn_cli.compare.keys import Keys, differing, seeds, setting_keys, token
from unlearn_cli.compare.records import Run
from unlearn_cli.compare.settings import Setting, titled
from unlearn_cli.errors import InputError

FIRST = "random"
"""The option that the others are set against, where it is there."""
SOME = 5
"""So many keys are named where settings differ too much."""


@dataclass(frozen=True)
class Sides:
    """Settings side by side as one, whose groups hold the runs of all sides."""

    setting: Setting
    group: str
    names: Mapping[str, str]
    """By token of the side's keys, in order."""

    def parts(self, group: Group) -> dict[str, list[Run]]:
        """A group's runs by side, all sides in order."""
        found: dict[str, list[Run]] = {name: [] for name in self.names.values()}
        for run in group.runs:
            found[self.names[token(inside(run, self.group))]].append(run)
        return found

    def pair(self, run: Run) -> str:
        """Equal for runs of equal seeds but the evaluation's; those under the group are the group's own."""
        own = seeds(run, [self.group])
        return token({key: seed for key, seed in own.items() if key != "eval.seed"})


def side_by_side(runs: Sequence[Run], group: str) -> tuple[list[Sides], list[Run]]:
    """The settings that differ only in this group, and the runs that have nothing beside them.

    The group is the option chosen and every key under its config node; each value of these is a side. Options
    are matched by the keys under the node that all of them have: where two options share a value
    (`forget.fraction=0.1`), it belongs to the setting, and there are as many of these as values. Where they
    share none, the key only tells sides apart.

    Raises:
        InputError: no two sides meet.
    """
    lots = [
        lot
        for _, members in by_equal_keys(runs, partial(_outside, group=group))
        for lot in _matched(members, group)
    ]
    meeting = [(keys, members) for keys, members in lots if len(_sides(members, group)) > 1]
    if not meeting:
        raise InputError(f"--across {group}: {_reason(runs, group)}")
    settings = titled(meeting)
    found = [_named(setting, members, group) for setting, (_, members) in zip(settings, meeting, strict=True)]
    return found, [run for _, members in lots if len(_sides(members, group)) == 1 for run in members]


def inside(run: Run, group: str) -> Keys:
    """The option chosen and the keys under it, without seeds: what makes a side."""
    return {key: value for key, value in setting_keys(run).items() if _of(key, group)}


def _outside(run: Run, group: str) -> Keys:
    return {key: value for key, value in setting_keys(run).items() if not _of(key, group)}


def _of(key: str, group: str) -> bool:
    return key == group or key.startswith(f"{group}.")


def _sides(members: Sequence[Run], group: str) -> list[Keys]:
    """The different ones."""
    return [keys for keys, _ in by_equal_keys(members, partial(inside, group=group))]


def _matched(members: Sequence[Run], group: str) -> list[tuple[Keys, list[Run]]]:
    """Runs that are equal outside of the group, by the values that options share."""
    options: dict[str, list[Keys]] = {}
    for side in _sides(members, group):
        options.setdefault(side[group], []).append(side)
    sides = [side for option in options.values() for side in option]
    telling = (group, f"{group}._target_")
    keys = [key for key in sides[0] if all(key in side for side in sides) and key not in telling]
    values = {key: [{token(side[key]) for side in option} for option in options.values()] for key in keys}
    matching = [key for key, own in values.items() if sum(map(len, own)) > len(set().union(*own))]

    def setting(run: Run) -> Keys:
        own = inside(run, group)
        return _outside(run, group) | {key: own[key] for key in matching}

    return by_equal_keys(members, setting)


def _named(setting: Setting, members: Sequence[Run], group: str) -> Sides:
    """The random option first, the others by name."""
    sides = _sides(members, group)
    named = [
        (side[group] != FIRST, name, token(side))
        for side, (name, _) in zip(sides, named_apart(sides, itemgetter(group)), strict=True)
    ]
    return Sides(setting, group, {key: name for _, name, key in sorted(named)})


def _reason(runs: Sequence[Run], group: str) -> str:
    options = ",".join(sorted({str(side[group]) for side in _sides(runs, group)}))
    if "," not in options:
        return f"nothing to lay side by side: all these runs have {group}={options}"
    others = differing([keys for keys, _ in by_equal_keys(runs, partial(_outside, group=group))])
    named = f"; they also differ in {', '.join(others[:SOME])}" if others else ""
    return f"nothing to lay side by side: no setting was run with two of {group}={options}{named}"
