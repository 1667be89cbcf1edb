"""One phase of training: the model, all that moves with it, and when its checkpoint is written."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from unlearn_cli.errors import RunError
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.training.best import Best
from unlearn_cli.training.checkpoint import Checkpoint
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.meter import Meter
from unlearn_cli.training.step import Companion, Step

Monitor = Callable[[nn.Module, int], dict[str, float]]

CHECK_EVERY = 50  # steps between looks at the loss: each look waits for the device
AGREE_EVERY = 10  # steps between agreements of several processes to write a checkpoint or to stop


class Phase:
    """Takes the steps of one phase and counts them; begins where its checkpoint ended, if there is one.

    Args:
        stage: the phase's name, in its rows and in its checkpoint's.
        model: what is trained, in place.
        steps: of each epoch, as far as the phase goes.
        update: the step from loss terms to new weights, with its optimiser.
        companion: what learns beside the model, and is in its checkpoint.
        cost: counters of the run; the phase adds to them.
        folder: of the checkpoint.
        checkpoint_seconds: time between checkpoints; 0 = after every step.
        prepare: called if the phase begins with its first step.
        may_rest: a loss of 0 from the first step to the last is no fault.
        best: keeps the best epoch's weights, which the model has in the end.
    """

    def __init__(
        self,
        stage: str,
        model: nn.Module,
        steps: list[int],
        update: Step,
        companion: Companion | None,
        cost: Cost,
        folder: Path,
        checkpoint_seconds: float,
        prepare: Callable[[], None] | None = None,
        may_rest: bool = False,
        best: Best | None = None,
    ):
        self.stage, self.model, self.steps, self.total_steps = stage, model, steps, sum(steps)
        self.update, self.companion, self.may_rest, self.best = update, companion, may_rest, best
        self.compute, self.cost, self.checkpoint_seconds = update.compute, cost, checkpoint_seconds
        recipe, optimizer = update.recipe, update.optimizer
        self.averaged, self.lookahead = recipe.make_ema(model), recipe.make_lookahead(model, self.total_steps)
        self.checkpoint = Checkpoint(
            folder / f"{stage}.resume.pt",
            model,
            optimizer,
            update.scaler,
            self.averaged,
            self.lookahead,
            cost,
            companion,
            best,
        )
        state = self.compute.main_first(partial(self.checkpoint.load, self.compute.device))
        if prepare and not state.step:
            prepare()
            self.averaged = self.checkpoint.averaged = recipe.make_ema(model)
            self.lookahead = self.checkpoint.lookahead = recipe.make_lookahead(model, self.total_steps)
        self.step = self.resumed_at = state.step
        """Steps done, now and when it began here."""
        self.history = state.history
        """A row for each epoch that is done."""
        self.meter = Meter(self.compute, state.sums)
        self.schedule = recipe.make_schedule(optimizer, steps, done=self.step)
        self.checkpoint.restore_optimizer()
        self.epoch = int(np.searchsorted(np.cumsum(steps), self.step, side="right"))
        self.rate = update.rate
        self.saved_at = time.monotonic()

    def epochs_left(self) -> range:
        return range(self.epoch, len(self.steps))

    def begin_epoch(self, epoch: int, plan: list[np.ndarray]) -> list[np.ndarray]:
        """Of the epoch's batches those that are still to be done."""
        self.epoch = epoch
        self.model.train()
        return plan[self.step - sum(self.steps[:epoch]) : self.steps[epoch]]

    def save_if_due(self) -> None:
        """Write the checkpoint, once the time has come or a stop was asked for; all processes agree on it."""
        if self.compute.world > 1 and self.step % AGREE_EVERY:
            return
        since = time.monotonic() - self.saved_at
        if self.compute.any(stop_requested() or since >= self.checkpoint_seconds):
            self._save()

    def take_step(self, terms: dict[str, Tensor], samples: int) -> None:
        """From the loss terms of a batch of so many samples to new weights; no terms: the model rests."""
        self.rate = self.update.rate
        measured = self.update(terms, self.step / self.total_steps)
        if self.companion:
            measured |= self.companion.step()
        self.schedule.step()
        if self.lookahead:
            self.lookahead.step(self.step + 1)
        if self.averaged:
            self.averaged.update_parameters(self.model)
        self.meter.add(terms, measured, self.step)
        self.step += 1
        self.cost.add(Cost(steps=1, samples=samples, forwards=samples, backwards=samples))
        if self.step % CHECK_EVERY == 0:
            self._check()

    def end_epoch(self, monitor: Monitor | None) -> dict[str, Any]:
        """The epoch's row: the last step's rate, the means of the loss terms, what the monitor measures."""
        self._check()
        counts = {"stage": self.stage, "epoch": self.epoch + 1, "step": self.step, "lr": self.rate}
        row = counts | self.meter.means()
        self.meter = Meter(self.compute)
        if self.averaged:
            self.compute.same_buffers(self.averaged)
        self.compute.same_buffers(self.model)
        shown = self.averaged.module if self.averaged else self.model
        with self.cost.paused(self.compute.device):
            if monitor:
                row |= monitor(shown, self.epoch + 1)
            if self.best:
                self.best.offer(row, shown)
        self.history.append(row)
        return row

    def finish(self) -> None:
        """Write the checkpoint of the end; the model takes its averaged or best weights, where there are any.

        RunError: the loss was 0 from the first step to the last, and it may not be.
        """
        losses = [value for row in self.history for name, value in row.items() if name.startswith("loss/")]
        if losses and not any(losses) and not self.may_rest:
            raise RunError(
                f"the loss of '{self.stage}' was 0 at every step: the method found nothing to do, and the "
                "model is what it was"
            )
        if self.step > self.resumed_at:
            self._save()
        if self.averaged:
            self.model.load_state_dict(self.averaged.module.state_dict())
        if self.best:
            self.best.restore(self.model)
        for parameter in self.model.parameters():
            parameter.requires_grad_(True)

    def _save(self) -> None:
        """Write the checkpoint, outside the clock; leave if a stop was asked for."""
        self._check()
        with self.cost.paused(self.compute.device):
            sums = self.meter.shared_sums()
            if self.compute.is_main:
                self.checkpoint.save(self.step, self.history, sums)
            self.compute.barrier()
        if self.compute.any(stop_requested()):
            stop(f"in {self.stage} after step {self.step}")
        self.saved_at = time.monotonic()

    def _check(self) -> None:
        self.meter.check(self.stage, self.epoch, self.checkpoint.path)
