"""Original models and retrain oracles: trained once, ever, and kept in the store with what they put out."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import load_file
from torch import Tensor, nn

from unlearn_cli.config.dormant import without_off
from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.seeds import Stage
from unlearn_cli.config.sources import sources
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import digest
from unlearn_cli.data.splits import Sets, Splits, divide
from unlearn_cli.experiment import Experiment
from unlearn_cli.forget.forget_set import ForgetSet
from unlearn_cli.loading import loaded, splits_of
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin, References
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.models.capabilities import Exports
from unlearn_cli.models.checkpoint import load_into, save_model
from unlearn_cli.precision import decide
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.storage.store import Store
from unlearn_cli.storage.tensors import write_tensors
from unlearn_cli.tasks.monitor import glances
from unlearn_cli.tracking import NullSettings, Tracker, tracked
from unlearn_cli.tracking.lineage import model_artifact
from unlearn_cli.tracking.run_info import run_info
from unlearn_cli.training.cost import peak_memory_mb
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.optim import Recipe, Training
from unlearn_cli.training.trainer import Trainer

log = logging.getLogger("unlearn")

TRAINING = "-training"
"""Of the tracked run in which an original or an oracle is made: judged, it is one for each forget set."""


@dataclass(eq=False)
class Origins:
    """Makes and finds the models that a run starts from and is compared with."""

    experiment: Experiment
    compute: Compute
    store: Store
    data: ImageData
    splits: Splits
    choose: Callable[["Origins"], ForgetSet]
    """Chooses the forget set."""
    loaded: dict[str, Origin] = field(default_factory=dict, init=False)
    """Models by their entry in the store."""

    @classmethod
    def of(
        cls, experiment: Experiment, compute: Compute, store: Store, data: ImageData | None = None
    ) -> "Origins":
        """Load the data (unless they are at hand) and split them."""
        data = data or loaded(experiment, store, compute)
        decide(experiment, data.spec, compute)
        return cls(experiment, compute, store, data, splits_of(experiment, data), experiment.forget.chosen)

    @cached_property
    def forget_set(self) -> ForgetSet:
        """What is to be forgotten, chosen when it is first asked for."""
        return self.choose(self)

    @cached_property
    def sets(self) -> Sets:
        """The splits, parted by the forget set."""
        return divide(self.splits, self.forget_set, self.data)

    def rehearsal(self) -> "Origins":
        """This run; where choosing its forget set takes training, with another one of the same kind."""
        if not self.experiment.forget.needs_original:
            return self
        return self._with(self.experiment, lambda _: self.experiment.forget.select(self.data, self.splits))

    def facts(self, rows: np.ndarray) -> dict[str, Any]:
        """Everything that determines a model trained from scratch on `rows`."""
        experiment = self.experiment
        return {
            "task": experiment.task.facts(),
            "data": self.data.fingerprint,
            "split": self.splits.fingerprint,
            "classes": len(self.data.classes),
            "class_names": self.data.classes,
            "channels": self.data.channels,
            "size": list(self.data.size),
            "mean": list(self.data.mean),
            "std": list(self.data.std),
            "augment": without_off(self.data.augment.model_dump()),
            "rows": digest(rows),
            "model": experiment.model.facts(),
            "train": without_off(experiment.train.model_dump(exclude={"seed"})),
            "seed": experiment.seeds.train,
            "precision": self.compute.precision,
            **self.plugins("task", "data"),  # the model tells its own
        }

    def facts_of(self, method: Original) -> dict[str, Any]:
        """Everything that determines the original or the oracle: of one that comes trained its weights."""
        facts = self.facts(method.rows(self))
        given = self.experiment.model.weights_facts() if self.is_given(method) else {}
        untouched = ("train", "seed") if given else ()
        return {key: value for key, value in facts.items() if key not in untouched} | given

    def plugins(self, *groups: str) -> dict[str, Any]:
        """Among facts: the source of the plug-ins in these groups of the configuration, if there are any."""
        found = sources([self.experiment.config.get(group) for group in groups])
        return {"plugins": found} if found else {}

    def build(self) -> nn.Module:
        """A freshly initialised model, on the device. The caller seeds."""
        return self.compute.place(self.experiment.model.build(self.data.spec))

    def get(self, method: Original) -> Origin:
        """The original model or the oracle, from the store or trained now; loaded once in a run.

        An original that comes trained is in no store.
        """
        key = self.key(method)
        if key not in self.loaded:
            self.loaded[key] = self._given(key) if self.is_given(method) else self._trained(method, key)
        return self.loaded[key]

    def is_given(self, method: Original) -> bool:
        """Whether that model comes trained: the original may, what has to do without rows never does."""
        return self.experiment.model.comes_trained and not isinstance(method, Retrain)

    def _given(self, key: str) -> Origin:
        return Origin(self.start().eval(), key, self.experiment.seeds.train, cost={}, history=[])

    def start(self) -> nn.Module:
        """What an original is before any training here, on the device: one that comes trained is whole."""
        model = self.experiment.model
        return self.compute.place(model.original(self.data.spec)) if model.comes_trained else self.build()

    def _trained(self, method: Original, key: str) -> Origin:
        facts = self.facts_of(method)
        folder = self.store.get("model", facts, lambda folder: self._train(method, facts, folder))
        model = load_into(self.build(), folder, facts)
        cost, history = (read_json(folder / f"{name}.json") for name in ("cost", "history"))
        return Origin(model, key, facts["seed"], cost, history)

    def references(self) -> References:
        """The original, and the oracle where the run is compared with it or is it."""
        original = self.get(Original())
        return References(original, self.get(Retrain()) if self.experiment.needs_oracle else None)

    def oracles(self) -> Iterator[Origin]:
        """As many oracles of the same rows as the run is compared with, its own first; one at a time."""
        for seed in self.experiment.oracle_seeds:
            yield self.retrained(seed).get(Retrain())

    def retrained(self, seed: int) -> "Origins":
        """The same rows under another seed of training; what it loads is not kept for long."""
        experiment = self.experiment
        if seed == experiment.seeds.train:
            return self
        train = experiment.train.model_copy(update={"seed": seed})
        config = experiment.config | {"train": experiment.config["train"] | {"seed": seed}}
        other = experiment.model_copy(update={"train": train, "config": config})
        origins = self._with(other, lambda _: self.forget_set)
        origins.loaded = {}
        return origins

    def key(self, method: Original) -> str:
        """The entry of the original model or the oracle, be it there or not."""
        return key_of(self.facts_of(method))

    def mask(self, trainer: Trainer) -> Mask | None:
        """The mask of the original model's weights for this forget set; its scores are kept in the store."""
        experiment, original = self.experiment, self.get(Original())
        return experiment.mask.build(
            experiment.task, original.model, self.sets, trainer, self.store, self.mask_facts()
        )

    def derived_from_original(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The store's folder of what follows from the original model and these facts."""
        origin = {"model": self.key(Original()), "precision": self.compute.precision} | self.plugins("method")
        return self.store.get(kind, origin | {"seed": self.experiment.seeds.method} | facts, make)

    def mask_facts(self) -> dict[str, Any]:
        """What determines the scores of a mask, beside the mask's own settings."""
        precision = self.compute.precision
        facts = {"model": self.key(Original()), "forget": self.sets.fingerprint, "precision": precision}
        seeds = self.experiment.seeds
        drawn = {"seed": seeds.method} if seeds.method != seeds.train else {}  # else the model's key tells it
        return facts | drawn | self.plugins("mask")

    def outputs(self, origin: Origin) -> dict[str, Tensor]:
        """What the evaluation needs of an origin, for all rows; computed once for any forget set."""
        evaluation = self.experiment.eval

        def make(folder: Path) -> None:
            outputs = evaluation.outputs(self, origin.model, folder)
            if self.compute.is_main:
                write_tensors(folder / "outputs.safetensors", outputs)

        folder = self.store.get("outputs", self.output_facts(origin.key), make)
        return load_file(folder / "outputs.safetensors")

    def output_facts(self, key: str) -> dict[str, Any]:
        """What determines the outputs of the model with that key."""
        facts = {"model": key, "rows": digest(self.all_rows)} | self.plugins("eval")
        return facts | self.judged_on | self.experiment.eval.output_facts(self)

    @property
    def judged_on(self) -> dict[str, str]:
        """Among facts of what is judged: nothing of an ordinary run."""
        return {} if (rows := self.experiment.judged_on) == "test" else {"judged_on": rows}

    @property
    def all_rows(self) -> np.ndarray:
        """Every row of the splits: what an origin puts out for them serves any forget set."""
        return np.unique(np.concatenate([self.splits.train, self.splits.val, self.splits.test]))

    def under(self, task: Any, model: Any, train: Recipe, seed: int) -> "Origins":
        """The same data and sets under another task, model, recipe and seed (a judge of drawn images)."""
        other = {"task": task, "model": model, "train": Training(**train.model_dump(), seed=seed)}
        return self._with(self.experiment.model_copy(update=other), lambda _: self.forget_set)

    def seen_as(self, column: str) -> "Origins":
        """The same rows with another column's values as classes (what a judge of that column learns from)."""
        return self._with(self.experiment, lambda _: self.forget_set, self.data.relabelled(column))

    def _with(
        self,
        experiment: Experiment,
        choose: Callable[["Origins"], ForgetSet],
        data: ImageData | None = None,
    ) -> "Origins":
        origins = Origins(experiment, self.compute, self.store, data or self.data, self.splits, choose)
        origins.loaded = self.loaded  # a judge is asked for again and again
        return origins

    def trainer(
        self, folder: Path, is_forget: np.ndarray | None = None, stage: Stage = "eval", **more: Any
    ) -> Trainer:
        """A trainer with the run's device and habits and the stage's seed, checkpointing in `folder`."""
        experiment = self.experiment
        return Trainer(
            self.data,
            is_forget,
            self.compute,
            getattr(experiment.seeds, stage),
            folder,
            checkpoint_minutes=experiment.checkpoint_minutes,
            progress=experiment.progress,
            **more,
        )

    def track_shared(self, entry: Path, job: str) -> AbstractContextManager[Tracker]:
        """Track the making of an entry of the store, as a run of its own."""
        key = entry.name.removesuffix(".partial")
        return self.track(key, job, self.experiment.paths.outputs / "tracking" / key)

    def track(self, id: str, job: str, folder: Path) -> AbstractContextManager[Tracker]:
        """Track a block of work under an id of its own, in the main process alone."""
        experiment, own = self.experiment, folder == self.experiment.folder
        asked = experiment.identity.configuration
        determining = asked if own else self.facts(self.splits.train)
        if not own and job in (f"{Retrain.job}{TRAINING}", "selection"):
            determining |= {"forget": asked["forget"]}
        info = run_info(experiment.described(), id, job, determining, own)
        return tracked(experiment.tracking if self.compute.is_main else NullSettings(), info, folder)

    def _train(self, method: Original, facts: dict[str, Any], folder: Path) -> None:
        rows, task = method.rows(self), self.experiment.task
        told = "training the %s model of seed %d on %d samples (kept in the store)"
        log.info(told, method.job, facts["seed"], len(rows))
        with self.track_shared(folder, f"{method.job}{TRAINING}") as tracker:
            trainer = self.trainer(folder, stage="train", observe=tracker.epoch)
            trainer.monitor = glances(task, trainer, {"val": method.val(self)})
            trainer.seeded("init")
            model = self.build()
            with trainer.cost.clock(self.compute.device):
                model = method.train(task, model, rows, trainer, self.experiment.train)
            cost = trainer.cost.to_dict() | {"peak_memory_mb": peak_memory_mb(self.compute.device)}
            tracker.summary({"cost": cost, **trainer.history[-1]})
            if self.compute.is_main:
                save_model(folder, model, facts)
                tracker.made(model_artifact(f"{method.job}-{key_of(facts)}", folder))
        if self.compute.is_main:
            if isinstance(model, Exports):
                model.export(folder)
            write_json(folder / "cost.json", cost)
            write_json(folder / "history.json", trainer.history)
