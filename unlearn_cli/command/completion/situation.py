"""What the rest of a command line says about the word that is typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from unlearn_cli.command.subcommands import PLAN
from unlearn_cli.config.catalogue import Option, fits, group_folders, groups, options

LAUNCHER = "hydra/launcher"
FOR_ANY_TASK = ("task", LAUNCHER)


@dataclass(frozen=True)
class Situation:
    """The finished words, and what they come to."""

    words: tuple[str, ...]

    @cached_property
    def is_sweep(self) -> bool:
        return LAUNCHER in self.given or not {PLAN, "-m", "--multirun"}.isdisjoint(self.words)

    @cached_property
    def given(self) -> dict[str, str]:
        """What the overrides say by key; of a sweep the first value."""
        pairs = (word.partition("=") for word in self.words if not word.startswith("-"))
        return {key.lstrip("+"): _first(value) for key, equals, value in pairs if equals}

    @cached_property
    def task(self) -> str | None:
        """The task that options must fit; None where it cannot be told."""
        if "task" in self.given or "experiment" not in self.given:
            return self.given.get("task", "classification")
        chosen = [one for one in options("experiment") if one.name == self.given["experiment"]]
        tasks = [task.name for task in options("task") if all(fits(one.path, task.name) for one in chosen)]
        return tasks[0] if len(tasks) == 1 else None

    def options(self, group: str) -> list[Option]:
        """Those of a group that fit the task; experiments choose theirs, unless it is given."""
        there = options(group)
        task = self.given.get("task") if group == "experiment" else self.task
        return [one for one in there if group in FOR_ANY_TASK or not task or fits(one.path, task)]

    def groups(self) -> list[str]:
        """What is chosen by `group=`, and for a place in this configuration, as `optim@method=`."""
        placed = (key.partition("@") for key in self.composed[1])
        places = [f"{group}@{place}" for group, _, place in placed if place and "/" not in group]
        return [*groups(), LAUNCHER, *(place for place in places if not place.endswith("@_global_"))]

    @cached_property
    def composed(self) -> tuple[dict[str, Any], dict[str, str]]:
        """The configuration of the options that are chosen, and the option of each group."""
        from hydra import compose
        from omegaconf import OmegaConf

        from unlearn_cli.config.composing import chosen_options, initialized, overrides_of

        chosen = [f"{key}={name}" for key, name in self.given.items() if is_group(key) and name != "null"]
        with initialized():
            config = compose("config", overrides_of(chosen), return_hydra_config=True)
        plain: Any = OmegaConf.to_container(config, resolve=False)
        launcher = {"launcher": plain.pop("hydra")["launcher"]}
        return plain | {"hydra": launcher}, chosen_options(config.hydra.runtime.choices)

    def value(self, key: str) -> Any:
        """Of a dotted key, all of them for an empty one; None where there is none."""
        node: Any = self.composed[0]
        for name in key.split(".") if key else ():
            node = node.get(name) if isinstance(node, Mapping) else None
        return node


def is_group(key: str) -> bool:
    """Whether what follows `key=` is an option's name: `method`, `optim@method`, `hydra/launcher`."""
    return key == LAUNCHER or key.partition("@")[0] in group_folders()


def _first(value: str) -> str:
    """The first value of a sweep; a list is one value."""
    return value if value.startswith("[") else value.partition(",")[0]
