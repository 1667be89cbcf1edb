"""What a prerequisite is: a thing that runs share, made once and kept in the store."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.seeds import without_own_seed
from unlearn_cli.experiment import Experiment
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins

MODEL = ("task", "data", "model", "train", "device", "precision", "channels_last", "compile")
"""Keys of the configuration that determine an original model; its seed is among those of `train`."""


Entry = Callable[[Origins], tuple[str, dict[str, Any]]]
"""Kind and facts of an entry of the store."""


@dataclass(frozen=True)
class Prerequisite:
    """A kind of thing that is made once, kept in the store, and found there by every run that needs it."""

    name: str
    wanted: Callable[[Experiment], bool]
    determined_by: Callable[[Experiment], Any]
    """The part of a configuration that is equal for two runs exactly if they share the thing."""
    after: tuple[str, ...]
    """Names of those that must be there first."""
    made: Callable[[Origins], bool]
    """Whether the store has it; asked only where all of `after` are made."""
    make: Callable[[Origins], object]
    told_by: tuple[str, ...]
    """Which of forget set and seed tell two of them apart, for their names."""
    entry: Entry | None = None
    """The entry whose making takes the time."""
    further: int = 0
    """By how much its training's seed is above the run's."""
    like: Callable[[Origins], tuple[str, dict[str, Any], float]] | None = None
    """Kind and facts of another entry that tells of that time, and how many times as long it takes."""
    as_a_run: bool = False
    """It takes at most as long as a run of its method, which tells where no entry does."""
    number: int | None = None
    """Which one of a pool it is, that are made side by side: each in a job of its own, be it for one run."""


def identity(kind: Prerequisite, experiment: Experiment) -> str:
    """Equal for two runs that share this prerequisite."""
    return f"{kind.name.replace(' ', '-')}-{key_of({'of': kind.determined_by(experiment)})}"


def sections(*names: str) -> Callable[[Experiment], Any]:
    """These of a configuration; a forget set that draws nothing is the same for every seed."""

    def of(experiment: Experiment) -> dict[str, Any]:
        found = {name: experiment.config[name] for name in names}
        if "forget" in found and not experiment.forget.draws:
            found["forget"] = without_own_seed(found["forget"])
        return found

    return of


def model_entry(method: Original) -> Entry:
    """That of the original or the oracle."""

    def entry(origins: Origins) -> tuple[str, dict[str, Any]]:
        if origins.is_given(method):  # there is nothing to train
            return "outputs", origins.output_facts(origins.key(method))
        return "model", origins.facts_of(method)

    return entry
