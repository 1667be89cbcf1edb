"""Trials of a method: the values in force, then values drawn from its ranges."""

from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from unlearn_cli.config.dormant import SEARCH, SEARCHED
from unlearn_cli.config.nested import flat
from unlearn_cli.config.ranges import Range, drawn
from unlearn_cli.config.run_path import resolved, run_path
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.storage.identity import identity_of
from unlearn_cli.storage.run_folder import RunFolder

Values = dict[str, Any]
"""By dotted key."""
Spaces = dict[str, tuple[Range | list[Any], Any]]
"""By dotted key: a range, and the value in force."""


OF_METHOD = (*SEARCHED, "surgery", "lora")
"""Groups of a configuration that make the method."""


@dataclass(frozen=True)
class Run:
    """A trial under one seed, composed."""

    overrides: list[str]
    config: DictConfig
    choices: dict[str, str]

    @property
    def folder(self) -> Path:
        config = resolved(self.config)
        return run_path(config, self.choices, identity_of(config).key)


@dataclass(frozen=True)
class Setting:
    """A method under each seed, with the values in force."""

    method: str
    bases: list[Run]
    spaces: Spaces
    fixed: Values = field(default_factory=dict)
    """What was typed of the method, and is not searched: the others are chosen for it."""

    def runs(self, values: Values) -> list[Run]:
        """Those with other values."""
        return [self._run(base, values) for base in self.bases]

    def _run(self, base: Run, values: Values) -> Run:
        config = base.config.copy()
        for key, value in values.items():
            OmegaConf.update(config, key, value)
        told = [f"{key}={value}" for key, value in values.items()]
        return Run([*base.overrides, *told], config, base.choices)

    def trials(self, count: int, draw: int) -> list["Trial"]:
        """The first so many: a longer search begins with those of a shorter one."""
        return [
            Trial(self.method, number, {} if number == 1 else self._drawn(draw, number))
            for number in range(1, count + 1)
        ]

    def check(self, trial: "Trial") -> None:
        """One whose values do not go together has failed, as one whose run fails."""
        try:
            for run in self.runs(trial.values):
                read(run.config, run.choices)
        except InputError as error:
            trial.reason = str(error)

    def _drawn(self, draw: int, number: int) -> Values:
        return {
            key: drawn(space, value, rng("trial", draw, number, key))
            for key, (space, value) in self.spaces.items()
        }


@dataclass
class Trial:
    """Values of a method, and what came of them."""

    method: str
    number: int
    values: Values
    """Those that differ from the values in force."""
    folders: list[Path] = field(default_factory=list)
    """Of the runs that count, by seed."""
    results: list[dict[str, Any] | None] = field(default_factory=list)
    """None: that run failed."""
    reason: str | None = None
    """Why one failed."""
    whole: bool = True
    """False: it was left after a part of its epochs."""

    def take(self, folders: list[Path]) -> None:
        """Read what the runs have found."""
        self.folders = folders
        self.results = [RunFolder(folder, {}).result() for folder in folders]
        states = [RunFolder(folder, {}).status() for folder in folders]
        failed = [state for state, result in zip(states, self.results, strict=True) if result is None]
        self.reason = (failed[0].get("reason") or failed[0]["state"]) if failed else None


def spaces(experiment: Experiment, fixed: set[str]) -> Spaces:
    """What can be drawn: not what was given, nor a factor of what has none."""
    found: Spaces = {}
    for group in SEARCHED:
        settings = getattr(experiment, group)
        for name, space in getattr(settings, SEARCH, {}).items():
            key, value = f"{group}.{name}", reduce(getattr, name.split("."), settings)
            if key not in fixed and (isinstance(space, list) or space.fits(value)):
                found[key] = (space, value)
    return found


def fixed(base: Run, typed: set[str]) -> Values:
    """What was typed below the groups that make a method, but seeds and ranges."""
    config = resolved(base.config)
    values = flat({group: config[group] for group in OF_METHOD}, ".")
    below = tuple(f"{key}." for key in typed if "." in key)
    return {
        key: value
        for key, value in values
        if f"{key}.".startswith(below) and key.split(".")[1] not in (SEARCH, "seed", "_target_")
    }
