"""What a sweep comes to: its runs, what they share, what of it is there already, how long the rest takes."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.variants import forget_values
from unlearn_cli.experiment import Experiment
from unlearn_cli.origins import Origins
from unlearn_cli.precision import remembered
from unlearn_cli.prerequisite import Prerequisite, identity
from unlearn_cli.prerequisites import prerequisites
from unlearn_cli.storage.store import NotMade, ReadOnlyStore
from unlearn_cli.sweep.estimate import alike, entry_seconds, run_seconds
from unlearn_cli.sweep.states import State, state_of

log = logging.getLogger("unlearn")


@dataclass(frozen=True)
class Shared:
    """A prerequisite that the store lacks."""

    kind: Prerequisite
    experiment: Experiment
    """One of those that need it."""
    after: tuple[str, ...]
    """Identities of what must be made first."""
    seconds: float | None

    @property
    def label(self) -> str:
        """`oracle, digits, random fraction=0.1, seed 0`."""
        number = self.kind.number
        return self._label(self.kind.name if number is None else f"{self.kind.name} {number + 1}")

    @property
    def pool(self) -> str | None:
        """The label of all of its pool; None: it is of none."""
        return None if self.kind.number is None else self._label(self.kind.name)

    def _label(self, name: str) -> str:
        choices, forget = self.experiment.choices, forget_values(self.experiment.config)
        told = {
            "method": choices["method"],
            "forget": " ".join([choices["forget"], *(f"{key}={value}" for key, value in forget.items())]),
            "seed": f"seed {self.experiment.seeds.train + self.kind.further}",
        }
        return ", ".join([name, choices["data"], *(told[part] for part in self.kind.told_by)])


@dataclass(frozen=True)
class Run:
    """One run of a sweep."""

    overrides: str
    experiment: Experiment
    needs: dict[Prerequisite, str]
    """Its prerequisites, made or not, and their identities."""

    @cached_property
    def folder(self) -> Path:
        return self.experiment.folder

    @cached_property
    def seconds(self) -> float | None:
        return run_seconds(self.experiment)


@dataclass
class Plan:
    """The runs in the order of the command, and what those to do need, by identity, in an order of making."""

    runs: list[Run]
    again: bool = False
    """Finished runs are to be made, too."""
    made: dict[str, Prerequisite] = field(default_factory=dict)
    missing: dict[str, Shared] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`<experiment or task and data>-<hash of the runs>`: the same runs, the same sweep."""
        choices = self.runs[0].experiment.choices
        label = choices.get("experiment", f"{choices['task']}/{choices['data']}").replace("/", "-")
        return f"{label}-{key_of({'runs': sorted(str(run.folder) for run in self.runs)})[:8]}"

    @property
    def outputs(self) -> Path:
        return self.runs[0].experiment.paths.outputs

    @property
    def folder(self) -> Path:
        return self.outputs / "sweeps" / self.name

    def states(self) -> list[State]:
        """Of each run, by its folder alone."""
        return [state_of(run.folder, None, None) for run in self.runs]

    @property
    def to_do(self) -> list[Run]:
        states = zip(self.runs, self.states(), strict=True)
        return [run for run, state in states if self.again or state.name != "finished"]

    def first(self) -> dict[str, Shared]:
        """Of what the runs to do lack, what is better made before them: what several need, and pools."""
        users = Counter(need for run in self.to_do for need in run.needs.values())
        return {
            key: shared
            for key, shared in self.missing.items()
            if users[key] > 1 or shared.kind.number is not None
        }


def plan(runs: list[tuple[str, Experiment]], again: bool = False) -> Plan:
    """The runs by their overrides, each once; the store is not looked at yet."""
    found, folders = Plan([], again), set()
    for overrides, experiment in runs:
        needs = {kind: identity(kind, experiment) for kind in prerequisites(experiment)}
        run = Run(overrides, experiment, needs)
        if run.folder in folders:
            log.info("the same run twice, and so left out once: %s", overrides)
            continue
        folders.add(run.folder)
        found.runs.append(run)
    return found


def look_up(found: Plan, on_gpu: bool) -> None:
    """Note which prerequisites of the runs to do are in the store and which are missing; make nothing.

    on_gpu: whether the runs will find a GPU, which may not be so here; it decides what precision=auto is.
    """
    lookup = StoreLookup(on_gpu)
    for run in found.to_do:
        if not (found.made.keys() | found.missing.keys()).issuperset(run.needs.values()):
            lookup.add_needs(run, found)


class StoreLookup:
    """Asks the store for prerequisites. Data are loaded once for all runs."""

    def __init__(self, on_gpu: bool):
        self.on_gpu = on_gpu
        self.loaded: dict[str, Any] = {}
        self.measured: dict[str, float | None] = {}
        """Seconds of entries by what is equal for their like: a pool has many alike."""

    def add_needs(self, run: Run, found: Plan) -> None:
        """Sort the run's prerequisites into those made and those missing."""
        experiment, origins = run.experiment, self._origins(run.experiment)
        for kind, key in run.needs.items():
            if key in found.made or key in found.missing:
                continue
            after = tuple(other for before, other in run.needs.items() if before.name in kind.after)
            if origins and all(need in found.made for need in after) and kind.made(origins):
                found.made[key] = kind
            else:
                seconds = self._seconds(kind, origins.rehearsal()) if origins and kind.entry else None
                if seconds is None and kind.as_a_run:
                    seconds = run.seconds
                found.missing[key] = Shared(kind, experiment, after, seconds)

    def _seconds(self, kind: Prerequisite, origins: Origins) -> float | None:
        """How long making it takes, by its like."""
        times = [self._of_entries(origins, *kind.entry(origins))] if kind.entry else []
        if kind.like:
            name, facts, factor = kind.like(origins)
            other = self._of_entries(origins, name, facts)
            times.append(other and factor * other)
        return next(filter(None, times), None)

    def _of_entries(self, origins: Origins, kind: str, facts: dict[str, Any]) -> float | None:
        key = key_of({"kind": kind, "facts": alike(facts)})
        if key not in self.measured:
            self.measured[key] = entry_seconds(origins.store.root, kind, facts)
        return self.measured[key]

    def _origins(self, experiment: Experiment) -> Origins | None:
        """The run as far as it is known without making anything; None if its data were never read."""
        precision, on_gpu = experiment.precision, self.on_gpu and experiment.device != "cpu"
        if precision == "auto":
            precision = "bf16" if on_gpu else "fp32"
        compute: Any = SimpleNamespace(
            precision=precision, undecided=False, device=torch.device("cpu"), is_main=True
        )
        data = key_of({name: experiment.config[name] for name in ("data", "task")})
        try:
            origins = Origins.of(
                experiment, compute, ReadOnlyStore(experiment.paths.store), self.loaded.get(data)
            )
        except NotMade:
            return None
        self.loaded[data] = origins.data
        if experiment.precision == "auto" and not on_gpu:
            compute.precision = remembered(experiment, origins.data.spec)
        return origins
