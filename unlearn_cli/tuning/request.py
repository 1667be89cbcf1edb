"""What a command line asks `unlearn tune` for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from unlearn_cli.config.dormant import SEARCH, SEARCHED
from unlearn_cli.config.overrides import each_as_typed, parsed, readable
from unlearn_cli.config.settings import checked
from unlearn_cli.config.tune_keys import TuneSettings
from unlearn_cli.errors import InputError

SEVERAL = ("method", "seed")
"""Keys of which one tuning takes several values."""


@dataclass(frozen=True)
class Request:
    """methods and seeds: as they were typed; none: that of the task, seed 0."""

    settings: TuneSettings
    methods: tuple[str, ...]
    seeds: tuple[str, ...]
    overrides: tuple[str, ...]
    """All others, which every trial has."""

    @property
    def taking(self) -> list[str]:
        """What is typed to take the values, beside the method: the same setting, and the folder."""
        of_trials = ("hydra", "tuned=", "progress=", *(f"{group}.{SEARCH}" for group in SEARCHED))
        same = [one for one in self.overrides if not one.lstrip("+").startswith(of_trials)]
        return [*same, f"tuned={self.settings.into}"]

    @property
    def fixed(self) -> set[str]:
        """Keys that were given a value, and are not searched."""
        return {override.lstrip("+").partition("=")[0] for override in self.overrides}


def read_request(arguments: Sequence[str]) -> Request:
    """The overrides of a command line, sorted.

    Raises:
        InputError: several values of another key, a key of the tuning that cannot be right.
    """
    own: dict[str, Any] = {}
    several: dict[str, tuple[str, ...]] = dict.fromkeys(SEVERAL, ())
    others = []
    for argument in readable(arguments):
        key, _, value = argument.partition("=")
        override = parsed(argument)
        if key in TuneSettings.model_fields:
            own[key] = _value(argument, value)
        elif key in SEVERAL and override:
            several[key] = tuple(one.partition("=")[2] for one in each_as_typed(override))
        elif override and override.is_sweep_override():
            raise InputError(
                f"{key}: one tuning is of one setting, and several values were given; several of "
                "method and of seed are right, and a command for each of these"
            )
        else:
            others.append(argument)
    if "judged_on" in (key.partition("=")[0] for key in others):
        raise InputError("judged_on: trials are judged on validation rows; leave it out")
    twice = [one for one in several["method"] if several["method"].count(one) > 1]
    if twice:
        raise InputError(f"method: {twice[0]} is given more than once")
    settings = checked(TuneSettings, own, "")
    if settings.halving and settings.sampler == "tpe":
        raise InputError(
            "halving: true does not go with sampler=tpe, which learns from whole trials; leave one out"
        )
    return Request(settings, several["method"], several["seed"], tuple(others))


def _value(argument: str, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"cannot read '{argument}'; KEY=VALUE is right") from error
