"""The training loop: the only one. Originals, oracles, every gradient method go through `Trainer.fit`."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.augment import Epoch
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed
from unlearn_cli.data.images import ImageData
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.progress import Progress
from unlearn_cli.runtime.seeding import fold, seed_all
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.training.best import Best, Rank
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.lone_values import by_running_statistics
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.phase import Monitor, Phase
from unlearn_cli.training.step import Companion, Penalty, Proximal, Step
from unlearn_cli.training.surgery import Surgery

Objective = Callable[[nn.Module, Batch], dict[str, Tensor]]
Observer = Callable[[dict[str, Any]], None]
DerivedOnce = Callable[[str, dict[str, Any], Callable[[Path], None]], Path]

COST = "cost.json"

AT_ONCE = 512
"""Images of a batch that nothing is learnt from, unless somebody knows better."""


@dataclass(eq=False)
class Trainer:
    """Trains models on one data set; carries what every phase shares."""

    data: ImageData
    """The images, on the device or streamed."""
    is_forget: np.ndarray | None
    """(N,) bool over the data's rows, membership of the forget set; None = of none."""
    compute: Compute
    """Device, precision, processes."""
    seed: int
    """Every random draw of a phase follows from (seed, stage, step)."""
    folder: Path
    """Where resume checkpoints are written."""
    anchors: np.ndarray | None = None
    """(N,) int64 class that shall take the place of a row's own (see `Sets.anchor_labels`)."""
    mask: Mask | None = None
    """Weights that may move; applied to every `fit`. Set for unlearning, None for training."""
    surgery: Surgery | None = None
    """How forgetting and retaining gradients are reconciled; as the mask."""
    checkpoint_minutes: float = 5.0
    """Time between resume checkpoints; 0 = after every step."""
    progress: bool = False
    observe: Observer = lambda row: None
    """Called with each new row of `history` (one an epoch)."""
    monitor: Monitor | None = None
    """(model, epochs done) -> named values, measured after an epoch outside the clock."""
    rank: Rank | None = None
    """What orders epochs: the model ends with the weights of the best. None = of the last."""
    enough: Callable[[dict[str, Any]], bool] = lambda row: False
    """Called with each epoch's row of `history`; a phase ends once it is true."""
    derived_once: DerivedOnce | None = None
    """(kind, facts, make) -> the folder of what follows from the original model and these facts alone, made
    by make(folder) where it is not there; a run's is the store. None = made in `folder`."""

    cost: Cost = field(default_factory=Cost, init=False)
    seconds_outside_clock: dict[str, float] = field(default_factory=dict, init=False)
    """Of what was made once for several runs and is not in the cost, by name."""
    history: list[dict[str, Any]] = field(default_factory=list, init=False)
    _fitting: bool = field(default=False, init=False)

    @property
    def device(self) -> torch.device:
        return self.compute.device

    @property
    def is_main(self) -> bool:
        return self.compute.is_main

    @property
    def checkpoint_seconds(self) -> float:
        return 60 * self.checkpoint_minutes

    def autocast(self) -> AbstractContextManager[None]:
        return self.compute.autocast()

    def seeded(self, *stage: object) -> None:
        """Seed all global generators for what follows, from the run's seed and the stage's name."""
        seed_all(self.seed, *stage)

    def count_passes(self, forwards: int, backwards: int) -> None:
        """Count the passes of a method that does without `fit` (per sample)."""
        self.cost.add(Cost(samples=forwards, forwards=forwards, backwards=backwards))

    def count_more(self, samples: int, forwards: int = 0, backwards: int = 0) -> None:
        """Count passes of a step beside the forward and the backward that `fit` counts of each sample.

        samples: of this process; the others are taken to have as many.
        """
        passed = samples * self.compute.world
        self.cost.add(Cost(forwards=forwards * passed, backwards=backwards * passed))

    def batches(self, rows: np.ndarray, batch_size: int = AT_ONCE, augment: bool = False) -> Iterator[Batch]:
        """The rows in order, as prepared batches on the device (scores, Fisher information, predictions)."""
        plan = [rows[i : i + batch_size] for i in range(0, len(rows), batch_size)]
        for raw in self.data.batches(plan, self.is_forget, self.anchors):
            # `fit` stops between steps, with a checkpoint; several processes must not stop one by one
            if stop_requested() and not self._fitting and self.compute.world == 1:
                stop("between two batches")
            batch = self.data.prepare(raw, augment)
            yield replace(batch, x=self.compute.layout(batch.x))

    def fit(
        self,
        model: nn.Module,
        feed: Feed,
        objective: Objective,
        recipe: Recipe,
        *,
        stage: str = "unlearn",
        penalty: Penalty | None = None,
        proximal: Proximal | None = None,
        parameters: Collection[str] | None = None,
        companion: Companion | None = None,
        until: Callable[[dict[str, Any]], bool] | None = None,
        prepare: Callable[[], None] | None = None,
        may_rest: bool = False,
    ) -> nn.Module:
        """Minimise the sum of the objective's terms; resumes from this stage's checkpoint if there is one.

        Args:
            model: trained in place, in train mode; with EMA its averaged weights replace the last ones.
            feed: (epoch, batch size, seed) -> the epoch's batches as row indices.
            objective: (model, batch) -> scalar terms by name, each a mean over the batch (several processes
                average theirs); none at all for a step in which the model rests. More than one forward and
                one backward pass of a sample are for it to count (`count_more`).
            penalty: (trained parameters, progress in [0,1)) -> scalar added to the loss as term "penalty".
            proximal: (trained parameters, their values at the start, learning rate, progress) -> None,
                in place after each step.
            parameters: names of the parameters to train; the others keep their values. None = those that the
                recipe names.
            companion: what learns beside the model, and is in its checkpoint.
            until: called with each epoch's row of `history`; the phase ends once it is true.
            prepare: called where nothing is resumed, before the first step.
            may_rest: a loss of 0 from the first step to the last is no fault.

        Raises:
            RunError: the loss is not finite (the last checkpoint, from before, is kept), or always 0.
            Preempted: a stop signal arrived; the checkpoint is written.
        """
        self._fitting = True
        self.seeded(stage)
        trained = only_trained(model, recipe.trained_names(model) if parameters is None else parameters)
        update = Step(model, trained, recipe, self.compute, self.mask, self.surgery, penalty, proximal)
        orders = fold(self.seed, stage)
        steps = recipe.limited_steps(
            [len(feed(epoch, recipe.batch_size, orders)) for epoch in range(recipe.epochs)]
        )
        phase = Phase(
            *(stage, model, steps, update, companion, self.cost),
            *(self.folder, self.checkpoint_seconds, prepare, may_rest),
            best=Best(model, self.rank) if self.rank else None,
        )
        self.history += phase.history
        called = self.compute.wrapped(model)
        lone_values = nullcontext() if self.compute.compile else by_running_statistics(model)
        bar = Progress(stage, phase.total_steps, phase.step, self.progress and self.is_main)
        with lone_values, bar:
            for epoch in phase.epochs_left():
                if epoch and self._is_over(phase.history[-1], until):
                    break
                left = phase.begin_epoch(epoch, feed(epoch, recipe.batch_size, orders))
                for raw in self.data.batches(left, self.is_forget, self.anchors):
                    phase.save_if_due()  # before the step, so that an epoch's row is always in the checkpoint
                    raw = replace(raw, smoothing=recipe.label_smoothing)
                    batch, weight = self._for_step(raw, stage, phase.step, Epoch(orders, epoch))
                    with self.autocast():
                        terms = {name: weight * term for name, term in objective(called, batch).items()}
                    phase.take_step(terms, len(raw))
                    bar.advance(epoch)
                self.history.append(phase.end_epoch(self.monitor))
                self.observe(self.history[-1])
        phase.finish()
        self._fitting = False
        return model.eval()

    def derived_from_original(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The folder of what follows from the original model and these facts, made by make(folder) once.

        Its time is not the method's: it is told in `seconds_outside_clock`, whoever made it.
        """

        def timed(folder: Path) -> None:
            cost = Cost()
            with cost.clock(self.device):
                make(folder)
            if self.is_main:
                write_json(folder / COST, cost.to_dict())

        with self.cost.paused(self.device):
            if self.derived_once:
                folder = self.derived_once(kind, facts, timed)
            else:
                folder = self.folder / kind
                folder.mkdir(parents=True, exist_ok=True)
                timed(folder)
        self.seconds_outside_clock[f"{kind}_seconds"] = read_json(folder / COST)["seconds"]
        return folder

    def within(self, folder: Path) -> "Trainer":
        """The same habits, with checkpoints in another folder, and cost and history of its own.

        It trains something else than the model that `rank` and `enough` are for.
        """
        other = copy(self)
        other.folder, other.cost, other.history = folder, Cost(), []
        other.rank, other.enough = None, lambda row: False
        return other

    def _is_over(self, row: dict[str, Any], until: Callable[[dict[str, Any]], bool] | None) -> bool:
        return self.enough(row) or bool(until and until(row))

    def _for_step(self, raw: Batch, stage: str, step: int, epoch: Epoch) -> tuple[Batch, float]:
        """This process's part of a step's batch, augmented, and the weight of its terms; every draw seeded.

        The weight makes the processes' average the batch's mean. A batch smaller than the number of processes
        goes to all of them.
        """
        self.seeded(stage, step)
        batch, weight = self.data.prepare(raw, augment=True, epoch=epoch), 1.0
        if (world := self.compute.world) > 1:
            if (whole := len(batch)) >= world:
                batch = batch.select(slice(self.compute.rank, None, world))
                weight = len(batch) * world / whole
            self.seeded(
                stage, step, self.compute.rank
            )  # the images are augmented as by one, all else differs
        return replace(batch, x=self.compute.layout(batch.x)), weight


def only_trained(model: nn.Module, names: Collection[str]) -> dict[str, nn.Parameter]:
    """The parameters of these names, which from now on are the only ones with a gradient."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in names)
    return {name: parameter for name, parameter in model.named_parameters() if name in names}
