"""`method=`, `method.lr=`, `method.order=paired`: what an override may go on with."""

import re
from collections.abc import Mapping

from unlearn_cli.command.completion.paths import paths
from unlearn_cli.command.completion.situation import Situation, is_group
from unlearn_cli.command.completion.values import values

OUTPUTS = "outputs"
OF_RUN = "method.path"
"""The key whose path is likely that of a run."""


def overrides(typed: str, situation: Situation) -> list[str]:
    """Overrides that may have been begun, as whole as can be told."""
    mark = "+" * (len(typed) - len(typed.lstrip("+"))) or "~" * typed.startswith("~")
    key, equals, value = typed.removeprefix(mark).partition("=")
    found = [f"{key}={one}" for one in _values(key, value, situation)] if equals else _keys(key, situation)
    return [f"{mark}{one}" for one in found]


def outputs(situation: Situation) -> str:
    """Where runs are, with a slash."""
    return f"{situation.given.get('paths.outputs', OUTPUTS)}/"


def _keys(typed: str, situation: Situation) -> list[str]:
    """The groups, and the keys one level below what is typed."""
    above = typed[: typed.rfind(".") + 1]
    node = situation.value(above.rstrip("."))
    below = node if isinstance(node, Mapping) else {}
    keys = [
        f"{above}{name}{'.' if isinstance(value, Mapping) and value else '='}"
        for name, value in below.items()
        if name != "_target_"
    ]
    return [*(f"{group}=" for group in situation.groups()), *keys]


def _values(key: str, typed: str, situation: Situation) -> list[str]:
    """Values, the last of a list or of those of a sweep being the one that is typed."""
    *before, last = re.split(r"(?<=[,\[])", typed)
    head, in_list = "".join(before), "[" in typed
    if is_group(key):
        there = [option.name for option in situation.options(key.partition("@")[0])]
    else:
        known = values(key, situation)
        there = [*(known.of_list if in_list else known.words)]
        if known.is_path and not in_list:
            start = outputs(situation) if key == OF_RUN and not last else last
            there += paths(start) or paths(last)
    taken = {one.rstrip(",") for one in before}
    return [f"{head}{one}" for one in there if one not in taken]
