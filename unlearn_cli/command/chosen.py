"""The options that a command line chooses, each with the configuration of a run that has it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from hydra import compose
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from unlearn_cli.config.catalogue import Option, fits, groups, options
from unlearn_cli.config.composing import overrides_of
from unlearn_cli.errors import InputError, did_you_mean

PLACES = {
    "optim": "method",
    "sampler": "eval.sampler",
    "lower": "forget.lower",
    "attack": "eval.attacks.{}",
    "membership": "eval.{}",
}
"""Groups that are chosen for a place, and the one that is meant where none is named."""
EVERY_GROUP = (*groups(), *PLACES, "hydra/launcher")
WITH_VALUE = (
    "--config-dir",
    "-cd",
    "--config-name",
    "-cn",
    "--config-path",
    "-cp",
    "--cfg",
    "-c",
    "--package",
)
FIRST_TASK = "classification"
NO_EXPERIMENT = "experiment=null"
PACKAGE = re.compile(r"^# @package ((?!_)\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Chosen:
    """An option, and a run that has it: the first value of whatever else the command line sweeps over."""

    spelt: str
    """`lower@forget.lower=be`"""
    group: str
    place: str
    """Where its keys are typed: `method`, `forget.lower`, `hydra.launcher`."""
    option: Option
    choices: tuple[str, ...]
    """Overrides of groups."""
    values: tuple[str, ...]
    """Overrides of keys."""

    @cached_property
    def default(self) -> DictConfig:
        """The configuration of the choices alone, Hydra's own node included."""
        return compose("config", overrides_of(self.choices), return_hydra_config=True)

    @cached_property
    def config(self) -> DictConfig:
        """The configuration with the values that were given."""
        if not self.values:
            return self.default
        return compose("config", overrides_of([*self.choices, *self.values]), return_hydra_config=True)


def words(arguments: Sequence[str]) -> list[str]:
    """The arguments that are no flags of Hydra's, nor values of these."""
    return [
        word
        for before, word in pairwise(["", *arguments])
        if not word.startswith("-") and before not in WITH_VALUE
    ]


def chosen(arguments: Sequence[str]) -> list[Chosen]:
    """Every option that overrides name, those of a sweep each for itself. Within a block of `initialized()`.

    Raises:
        InputError: a group has no such option.
        HydraException: an override cannot be read.
    """
    parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
    parsed = parser.parse_overrides([one for word in words(arguments) for one in placed(word)])
    of_groups = [one for one in parsed if one.key_or_group in EVERY_GROUP]
    values = tuple(runs(one)[0] for one in parsed if one not in of_groups)
    found = []
    for override in of_groups:
        group = override.key_or_group
        for choice in runs(override):
            choices = [choice if one is override else runs(one)[0] for one in of_groups]
            for name in names_in(choice):
                option = option_of(group, name)
                place = override.package or place_of(option) or group.replace("/", ".")
                along = (*choices, *brought_along(choices, option))
                found.append(Chosen(choice.lstrip("+"), group, place, option, along, values))
    return found


def brought_along(choices: Sequence[str], option: Option) -> list[str]:
    """What an option needs to be composed, where the choices do not say it: a task that it fits, a place."""
    named = {choice.lstrip("+~").partition("=")[0].partition("@")[0]: names_in(choice) for choice in choices}
    along = ["forget=worst_case"] if "lower" in named and "forget" not in named else []
    if not named.keys() & {"task", "experiment"}:
        every = [option_of(group, name).path for group, names in named.items() for name in names]
        tasks = sorted((one.name for one in options("task")), key=lambda name: name != FIRST_TASK)
        for_option = [task for task in tasks if fits(option.path, task)]
        for_all = [task for task in for_option if all(fits(path, task) for path in every)]
        along += [f"task={task}" for task in (for_all or for_option)[:1] if task != FIRST_TASK]
    return along


def names_in(choice: str) -> list[str]:
    """Of `group=name`, or of `group=[name,name]`, which metrics may have; none of `~group`."""
    names = choice.partition("=")[2]
    found = names[1:-1].split(",") if names.startswith("[") else [names]
    return [name for name in found if name and choice != NO_EXPERIMENT]


def place_of(option: Option) -> str | None:
    """Where the file itself says that its keys stand: a metric does."""
    found = PACKAGE.search(option.path.read_text(encoding="utf-8"))
    return found and found[1]


def placed(word: str) -> list[str]:
    """`lower=be` as Hydra takes it: `lower@forget.lower=be`; of several attacks each has its own place."""
    group, _, names = word.partition("=")
    if group not in PLACES:
        return [word]
    each = names.split(",") if "{}" in PLACES[group] else [names]
    return [f"{group}@{PLACES[group].format(name)}={name}" for name in each]


def runs(override: Override) -> list[str]:
    """An override as each run of a sweep has it."""
    if not override.is_sweep_override():
        return [override.input_line or ""]
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def option_of(group: str, name: str) -> Option:
    there = {option.name: option for option in options(group)}
    if name not in there:
        raise InputError(f"{group}: no option '{name}'; {did_you_mean(name, there)}")
    return there[name]
