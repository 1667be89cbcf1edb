"""CMA-ES over blocks of variables, each with a covariance of its own, all judged together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import cma
import numpy as np

from unlearn_cli.runtime.progress import Progress
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.training.checkpoint import read_checkpoint, write_checkpoint
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.trainer import Trainer


def evolved(
    loss: Callable[[np.ndarray], float],
    blocks: Sequence[int],
    population: int,
    iterations: int,
    sigma: float,
    trainer: Trainer,
) -> np.ndarray:
    """The best x (sum of `blocks`,) of all that were tried; they are drawn around 0 at first.

    Each iteration every block draws a population; the k-th candidate is the k-th draws side by side, and its
    loss is told to all blocks (Kuwana et al., NeurIPS 2024). Each becomes a row of the trainer's history.
    A resumed search draws all again and reads the losses that it knows, so that no state need be stored.
    """
    draws = rng("evolution", trainer.seed)
    strategies = [_strategy(size, population, sigma, draws) for size in blocks]
    file = trainer.folder / "evolution.resume.pt"
    search = f"a search in blocks {list(blocks)} by {population}"
    before = replace(trainer.cost)
    known: list[list[float]] = []
    content = trainer.compute.main_first(lambda: read_checkpoint(file, search))
    if content:
        known = content["losses"]
        trainer.cost.add(Cost(**content["cost"]))

    def save() -> float:
        with trainer.cost.paused(trainer.device):
            if trainer.is_main:
                cost = trainer.cost.since(before).to_dict()
                write_checkpoint(file, {"losses": known, "cost": cost}, search)
        return time.monotonic()

    best, least = np.zeros(sum(blocks)), np.inf
    saved_at, done = time.monotonic(), len(known)
    with Progress("unlearn", iterations, done, trainer.progress and trainer.is_main) as bar:
        for step in range(iterations):
            drawn = [strategy.ask() for strategy in strategies]
            candidates = np.concatenate([np.stack(part) for part in drawn], axis=1)
            if step == len(known):
                if stop_requested() or time.monotonic() - saved_at >= trainer.checkpoint_seconds:
                    saved_at = save()
                if stop_requested():
                    stop(f"in unlearn after step {step}")
                known.append([loss(candidate) for candidate in candidates])
            losses = known[step]
            for strategy, part in zip(strategies, drawn, strict=True):
                strategy.tell(part, losses)
            if min(losses) < least:
                best, least = candidates[int(np.argmin(losses))], min(losses)
            row = {"stage": "unlearn", "epoch": step + 1, "step": step + 1, "loss/best": least}
            trainer.history.append(row)
            if step >= done:
                trainer.observe(row)
                bar.advance()
    return best


def _strategy(size: int, population: int, sigma: float, draws: np.random.Generator) -> Any:
    options = {
        "popsize": population,
        "randn": lambda *shape: draws.standard_normal(shape),
        "seed": np.nan,  # leaves the global generator alone
        "verbose": -9,
        "verb_log": 0,
    }
    return cma.CMAEvolutionStrategy(np.zeros(size), sigma, options)
