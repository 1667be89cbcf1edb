"""The training loop: the only one. Originals, oracles, every gradient method go through `Trainer.fit`."""

import logging
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import Feed
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import RunError
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.progress import Progress
from unlearn_cli.runtime.seeding import fold, seed_all
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.resume import Checkpoint
from unlearn_cli.training.step import Companion, Penalty, Proximal, Step, total
from unlearn_cli.training.surgery import Surgery

log = logging.getLogger("unlearn")

Objective = Callable[[nn.Module, Batch], dict[str, Tensor]]
Monitor = Callable[[nn.Module, int], dict[str, float]]
Observer = Callable[[dict[str, Any]], None]
Kept = Callable[[str, dict[str, Any], Callable[[Path], None]], Path]

CHECK_EVERY = 50  # steps between looks at the loss: each look waits for the device
COST = "cost.json"
AGREE_EVERY = 10  # steps between agreements of several processes to write a checkpoint or to stop


class Trainer:
    """Trains models on one data set; carries what every phase shares.

    Args:
        data: the images, on the device or streamed.
        is_forget: (N,) bool over the data's rows, membership of the forget set; None = of none.
        compute: device, precision, processes.
        seed: every random draw of a phase follows from (seed, stage, step).
        folder: where resume checkpoints are written.
        anchors: (N,) int64 class that shall take the place of a row's own (see `Sets.anchor_labels`).
        mask: weights that may move; applied to every `fit`. Set for unlearning, None for training.
        surgery: how forgetting and retaining gradients are reconciled; as the mask.
        checkpoint_minutes: time between resume checkpoints; 0 = after every step.
        observe: called with each new row of `history` (one an epoch).
        monitor: (model, epochs done) -> named values, measured after an epoch outside the clock.
        kept: (kind, facts, make) -> the folder of what follows from the original model and these facts alone,
            made by make(folder) where it is not there; a run's is the store. None = made in `folder`.
    """

    def __init__(
        self,
        data: ImageData,
        is_forget: np.ndarray | None,
        compute: Compute,
        seed: int,
        folder: Path,
        anchors: np.ndarray | None = None,
        mask: Mask | None = None,
        surgery: Surgery | None = None,
        checkpoint_minutes: float = 5.0,
        progress: bool = False,
        observe: Observer = lambda row: None,
        monitor: Monitor | None = None,
        kept: Kept | None = None,
    ):
        self.data = data
        self.is_forget = is_forget
        self.compute = compute
        self.seed = seed
        self.folder = folder
        self.anchors = anchors
        self.mask = mask
        self.surgery = surgery
        self.checkpoint_seconds = 60 * checkpoint_minutes
        self.progress = progress
        self.observe = observe
        self.monitor = monitor
        self.keeper = kept
        self.cost = Cost()
        self.apart: dict[str, float] = {}
        """Seconds of what was made once for several runs and is not in the cost, by name."""
        self.history: list[dict[str, Any]] = []
        self._fitting = False

    @property
    def device(self) -> torch.device:
        return self.compute.device

    @property
    def is_main(self) -> bool:
        return self.compute.is_main

    def autocast(self) -> AbstractContextManager[None]:
        return self.compute.autocast()

    def seeded(self, *stage: object) -> None:
        """Seed all global generators for what follows, from the run's seed and the stage's name."""
        seed_all(self.seed, *stage)

    def samples(self, forwards: int, backwards: int) -> None:
        """Count the passes of a method that does without `fit` (per sample)."""
        self.cost.add(Cost(samples=forwards, forwards=forwards, backwards=backwards))

    def batches(self, rows: np.ndarray, batch_size: int = 512, augment: bool = False) -> Iterator[Batch]:
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
    ) -> nn.Module:
        """Minimise the sum of the objective's terms; resumes from this stage's checkpoint if there is one.

        Args:
            model: trained in place, in train mode; with EMA its averaged weights replace the last ones.
            feed: (epoch, batch size, seed) -> the epoch's batches as row indices.
            objective: (model, batch) -> scalar terms by name, each a mean over the batch (several processes
                average theirs); none at all for a step in which the model rests.
            penalty: (trained parameters, progress in [0,1)) -> scalar added to the loss as term "penalty".
            proximal: (trained parameters, their values at the start, learning rate, progress) -> None,
                in place after each step.
            parameters: names of the parameters to train; the others keep their values. None = those that the
                recipe names.
            companion: what learns beside the model, and is in its checkpoint.
            until: called with each epoch's row of `history`; the phase ends once it is true.

        Raises:
            RunError: the loss is not finite (the last checkpoint, from before, is kept).
            Preempted: a stop signal arrived; the checkpoint is written.
        """
        self._fitting = True
        self.seeded(stage)
        parameters = recipe.trained(model) if parameters is None else parameters
        named = {n: p for n, p in model.named_parameters() if n in parameters}
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in named)
        orders = fold(self.seed, stage)
        steps = [len(feed(epoch, recipe.batch_size, orders)) for epoch in range(recipe.epochs)]
        steps = recipe.limited(steps)
        last = sum(steps)

        optimizer = recipe.make_optimizer(named.values())
        averaged, scaler = recipe.make_ema(model), self.compute.scaler()
        file = self.folder / f"{stage}.resume.pt"
        update = Step(
            named, recipe, optimizer, scaler, self.compute, self.mask, self.surgery, penalty, proximal
        )
        checkpoint = Checkpoint(file, model, optimizer, scaler, averaged, self.cost, companion)
        state = checkpoint.load(self.device)
        step, meter = state.step, Meter(self.compute, state.sums)
        schedule = recipe.make_schedule(optimizer, steps, done=step)
        checkpoint.restore_optimizer()
        self.history += state.history

        called = self.compute.wrapped(model)
        saved_at = time.monotonic()
        first_epoch = int(np.searchsorted(np.cumsum(steps), step, side="right"))
        with Progress(stage, last, step, self.progress and self.is_main) as bar:
            for epoch in range(first_epoch, len(steps)):
                if until and epoch and until(self.history[-1]):
                    break
                model.train()
                plan = feed(epoch, recipe.batch_size, orders)[: steps[epoch]]
                done = step - sum(steps[:epoch])
                for raw in self.data.batches(plan[done:], self.is_forget, self.anchors):
                    # before the step, so that an epoch's row is always in the checkpoint
                    if self._due(saved_at, step):
                        saved_at = self._save(checkpoint, stage, epoch, step, meter)
                    self.seeded(stage, step)
                    batch, weight = self._share(self.data.prepare(raw, augment=True))
                    if self.compute.world > 1:  # the images are augmented as by one process, all else differs
                        self.seeded(stage, step, self.compute.rank)
                    with self.autocast():
                        terms = {name: weight * term for name, term in objective(called, batch).items()}
                    rate = optimizer.param_groups[0]["lr"]
                    measured = update(terms, step / last)
                    if companion:
                        measured |= companion.step()
                    schedule.step()
                    if averaged:
                        averaged.update_parameters(model)
                    meter.add(terms, measured, step)
                    step += 1
                    self.cost.add(Cost(0.0, 1, len(raw), len(raw), len(raw)))
                    bar.advance(epoch)
                    if step % CHECK_EVERY == 0:
                        meter.check(stage, epoch, checkpoint.path)
                meter.check(stage, epoch, checkpoint.path)
                row = {"stage": stage, "epoch": epoch + 1, "step": step, "lr": rate, **meter.means()}
                meter = Meter(self.compute)
                if averaged:
                    self.compute.same_buffers(averaged)
                self.compute.same_buffers(model)
                if self.monitor:
                    with self.cost.paused(self.device):
                        row |= self.monitor(averaged.module if averaged else model, epoch + 1)
                self.history.append(row)
                self.observe(row)
        if step > state.step:
            self._save(checkpoint, stage, epoch, step, meter)
        if averaged:
            model.load_state_dict(averaged.module.state_dict())
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        self._fitting = False
        return model.eval()

    def kept(self, kind: str, facts: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The folder of what follows from the original model and these facts, made by make(folder) once.

        Its time is not the method's: it is told apart, whoever made it.
        """

        def timed(folder: Path) -> None:
            cost = Cost()
            with cost.clock(self.device):
                make(folder)
            if self.is_main:
                write_json(folder / COST, cost.to_dict())

        with self.cost.paused(self.device):
            if self.keeper:
                folder = self.keeper(kind, facts, timed)
            else:
                folder = self.folder / kind
                folder.mkdir(parents=True, exist_ok=True)
                timed(folder)
        self.apart[f"{kind}_seconds"] = read_json(folder / COST)["seconds"]
        return folder

    def within(self, folder: Path) -> "Trainer":
        """The same habits, with checkpoints in another folder and a cost of its own."""
        other = copy(self)
        other.folder, other.cost = folder, Cost()
        return other

    def _share(self, batch: Batch) -> tuple[Batch, float]:
        """This process's part of a batch, and the weight that makes the processes' average the batch's mean.

        A batch smaller than the number of processes goes to all of them.
        """
        world, whole, weight = self.compute.world, len(batch), 1.0
        if 1 < world <= whole:
            batch = batch.select(slice(self.compute.rank, None, world))
            weight = len(batch) * world / whole
        return replace(batch, x=self.compute.layout(batch.x)), weight

    def _due(self, saved_at: float, step: int) -> bool:
        """Whether to write a checkpoint now; all processes come to the same answer."""
        if self.compute.world > 1 and step % AGREE_EVERY:
            return False
        return self.compute.any(stop_requested() or time.monotonic() - saved_at >= self.checkpoint_seconds)

    def _save(self, checkpoint: Checkpoint, stage: str, epoch: int, step: int, meter: "Meter") -> float:
        """Write the checkpoint, outside the clock; leave if a stop was asked for. Gives the time."""
        meter.check(stage, epoch, checkpoint.path)
        with self.cost.paused(self.device):
            sums = meter.shared_sums()
            if self.is_main:
                history = [row for row in self.history if row["stage"] == stage]
                checkpoint.save(step, history, sums)
            self.compute.barrier()
        if self.compute.any(stop_requested()):
            stop(f"in {stage} after step {step}")
        return time.monotonic()


class Meter:
    """Sums of the loss terms since the epoch began, on the device, and the first step that was not finite."""

    def __init__(self, compute: Compute, sums: dict[str, Tensor] | None = None):
        self.compute = compute
        self.sums = dict(sums or {})
        """Of each term its sum and the number of steps that had it, (2,)."""
        self.first_bad = torch.full((), -1, dtype=torch.long, device=compute.device)

    def add(self, terms: dict[str, Tensor], measured: dict[str, Tensor], step: int) -> None:
        for name, value in (terms | measured).items():
            value = torch.stack([value.detach().float(), torch.ones_like(value, dtype=torch.float)])
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        if terms:
            bad = ~torch.isfinite(total(terms).detach()) & (self.first_bad < 0)
            self.first_bad = torch.where(bad, step, self.first_bad)

    def check(self, stage: str, epoch: int, checkpoint: Path) -> None:
        """Raise if any loss so far was NaN or infinite, on whichever process."""
        if bad := [step for step in self.compute.gather([int(self.first_bad)]) if step >= 0]:
            wider = ", or precision=bf16 with its range" if self.compute.precision == "fp16" else ""
            kept = f"; the last good checkpoint is {checkpoint}" if checkpoint.exists() else ""
            raise RunError(
                f"the loss of '{stage}' is not finite at step {min(bad)} (epoch {epoch + 1}); "
                f"a smaller lr or clip_norm=1 may help{wider}{kept}"
            )

    def shared_sums(self) -> dict[str, Tensor]:
        """The sums, averaged over the processes."""
        return {name: self.compute.mean(value) for name, value in self.sums.items()}

    def means(self) -> dict[str, float]:
        return {f"loss/{name}": float(value / steps) for name, (value, steps) in self.shared_sums().items()}
