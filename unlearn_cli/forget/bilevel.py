"""The bi-level problem of worst-case forget sets, solved by projected gradient (Fan et al., ECCV 2024)."""

from __future__ import annotations

import copy
import logging
from abc import ABC
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from pydantic import Field, field_validator
from scipy.stats import rankdata

from unlearn_cli.config.settings import build
from unlearn_cli.forget.base import Counted
from unlearn_cli.forget.lower import Lower, LowerTask
from unlearn_cli.forget.projection import project
from unlearn_cli.forget.selection import Selection, indicator
from unlearn_cli.forget.units import Units
from unlearn_cli.methods.original import Original
from unlearn_cli.tracking import Tracker
from unlearn_cli.training.cost import Cost
from unlearn_cli.training.trainer import Trainer

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins

log = logging.getLogger("unlearn")


class BilevelProblem(Counted, ABC):
    """min_w Σ w_i·ℓ(θ_u(w); z_i) + γ·‖w‖² over {0 ≤ w ≤ 1, Σw = m}, θ_u(w) by one of `lower`."""

    mode: Literal["worst", "easiest", "random"] = Field(
        description="worst: smallest losses after unlearning, hardest to forget; easiest: largest; random: "
        "by chance, to compare"
    )
    iterations: int = Field(gt=0, description="upper iterations at most")
    gamma: float = Field(ge=0, description="γ, weight of ‖w‖² in the upper objective")
    step: Literal["leader", "rank", "std", "plain"] = Field(
        description="leader: w becomes the m units of the smallest losses so far; rank, std, plain: w moves "
        "against the slope's ranks, the slope over its deviation, the plain slope (paper)"
    )
    eta: float = Field(gt=0, description="η, length of an upper step; not for leader")
    iterate: Literal["best", "average", "last"] = Field(
        description="best: the set of the smallest F among those that w was (leader: always after the first "
        "iteration); else the top m of the mean w or of the last (release), which swings, since what is left "
        "out of the training has the larger loss for that"
    )
    start: Literal["uniform", "random"] = Field(
        description="w = m/n for all, or 1 for a random set (release), which small plain steps cannot leave"
    )
    binarise_every: int | None = Field(
        gt=0,
        description="upper iterations after which w becomes the indicator of its top m (release: 20); "
        "null: never",
    )
    patience: int | None = Field(
        gt=0, description="ends after so many iterations in a row in which the top m stayed; null: never"
    )
    tolerance: float = Field(
        ge=0, lt=1, description="share of the top m that may change and still counts as stayed"
    )
    lower: Lower = Field(description="the lower level, an option of the group `lower`")

    @field_validator("lower", mode="before")
    @classmethod
    def _build(cls, node: Any) -> Any:
        return build(node, "forget.lower")


def solve(
    problem: BilevelProblem,
    origins: Origins,
    units: Units,
    random: np.ndarray,
    folder: Path,
    tracker: Tracker,
) -> Selection:
    """Upper iterations until the top m are stable or the limit is reached.

    Args:
        random: (m,) positions of a random set of units: where `start=random` begins.
        folder: keeps `selection.pt`, from which it resumes after the last whole upper iteration, and the
            checkpoint of the lower level that runs.
    """
    file, trainer = folder / "selection.pt", origins.trainer(folder, stage="train")
    kept = trainer.compute.main_first(lambda: Selection.resumed(file, len(units)))
    selection = kept or initial_selection(problem, len(units), random)
    trainer.cost.add(Cost(**selection.cost))
    if selection.trajectory:
        log.info("selection: resumed after upper iteration %d", len(selection.trajectory))
    while not is_finished(problem, selection.trajectory):
        number, before = len(selection.trajectory) + 1, selection.top(len(random), problem.mode)
        with trainer.cost.clock(trainer.device):
            stage = f"selection-{number}"
            losses = after_unlearning(problem, origins, units, selection.weights, trainer, stage)
            objective = advance(selection, problem, losses, number)
        row = {"objective": objective} | measured(selection, problem, losses, before, random)
        selection.trajectory.append(row)
        selection.cost = trainer.cost.to_dict()
        if trainer.is_main:
            selection.save(file)
            (folder / f"selection-{number}.resume.pt").unlink(missing_ok=True)
        trainer.compute.barrier()
        tracker.log("selection", number, row)
        log.info(
            "selection %d of %d: mean loss of the selected %.4g, of the others %.4g; %.1f %% stayed",
            number,
            problem.iterations,
            row["loss_selected"],
            row["loss_others"],
            100 * row["kept"],
        )
    return selection


def advance(selection: Selection, problem: BilevelProblem, losses: np.ndarray, number: int) -> float:
    """The next w, the scores and the best set so far, by the units' losses under the present w; F of it."""
    weights, first = selection.weights, not selection.best_iteration
    selection.total_losses = selection.total_losses + losses
    objective, selection.weights = upper_step(problem, weights, losses, selection.total_losses, number)
    share = 1 if problem.iterate == "last" else 1 / number
    selection.scores = selection.scores + share * (selection.weights - selection.scores)
    if problem.iterate == "best" and is_set(weights) and (first or objective < selection.row["objective"]):
        selection.best, selection.best_iteration = np.flatnonzero(weights), number
    return objective


def measured(
    selection: Selection, problem: BilevelProblem, losses: np.ndarray, before: np.ndarray, random: np.ndarray
) -> dict[str, float]:
    """Losses of the top m and of the others, and which share of them stayed, or is in the random set."""
    chosen = selection.top(len(random), problem.mode)
    return {
        "loss_selected": float(losses[chosen].mean()),
        "loss_others": float(np.delete(losses, chosen).mean()),
        "kept": overlap(chosen, before),
        "random": overlap(chosen, random),
    }


def initial_selection(problem: BilevelProblem, there: int, random: np.ndarray) -> Selection:
    """The start: equal weights, or the indicator of a random set."""
    uniform = problem.start == "uniform"
    weights = np.full(there, len(random) / there) if uniform else indicator(random, there)
    return Selection(weights, weights, np.zeros(there))


def is_finished(problem: BilevelProblem, trajectory: list[dict[str, float]]) -> bool:
    """Whether the limit is reached, or the top m stayed for as many iterations as asked for."""
    if len(trajectory) >= problem.iterations:
        return True
    if problem.patience is None or len(trajectory) < problem.patience:
        return False
    return all(row["kept"] >= 1 - problem.tolerance for row in trajectory[-problem.patience :])


def after_unlearning(
    problem: BilevelProblem, origins: Origins, units: Units, weights: np.ndarray, trainer: Trainer, stage: str
) -> np.ndarray:
    """The lower level, θ_u(w), and each unit's mean loss under it, (U,), in one pass without augmentation."""
    task: LowerTask = origins.experiment.task
    lower = problem.lower
    trainer.seeded(stage, "init")
    model = origins.build() if lower.fresh else copy.deepcopy(origins.get(Original()).model)
    of_row = torch.zeros(len(origins.data))
    of_row[torch.from_numpy(units.rows)] = torch.from_numpy(weights[units.of_row]).float()
    lower.unlearn(task, model, units.rows, of_row.to(trainer.device), trainer, stage)
    return units.mean(task.losses(model, trainer, units.rows).numpy())


def upper_step(
    problem: BilevelProblem, weights: np.ndarray, losses: np.ndarray, total_losses: np.ndarray, number: int
) -> tuple[float, np.ndarray]:
    """F(w) = Σ w_i·ℓ_i + γ·‖w‖², and the next w. The easiest set has −ℓ for ℓ.

    The sign steps of the lower level leave θ_u(w) without a gradient in w, so dF/dw_i = ℓ_i + 2γ·w_i.
    rank, std, plain: P_C(w − η·dF/dw), the slope scaled. leader: argmin_C w·Σ_k ℓ^k over the iterations so
    far, the indicator of the m units of the smallest losses; the next iteration measures its F.
    """
    sign, mass = -1 if problem.mode == "easiest" else 1, round(float(weights.sum()))
    objective = float(sign * weights @ losses + problem.gamma * weights @ weights)
    if problem.step == "leader":
        after = indicator(np.argsort(sign * total_losses, kind="stable")[:mass], len(losses))
    else:
        slope = sign * losses + 2 * problem.gamma * weights
        after = project(weights - problem.eta * scaled_slope(slope, problem.step), mass)
    if problem.binarise_every and number % problem.binarise_every == 0:
        after = indicator(np.argsort(-after, kind="stable")[:mass], len(after))
    return objective, after


def is_set(weights: np.ndarray) -> bool:
    """Whether every weight is 0 or 1."""
    return bool(np.isin(weights, (0, 1)).all())


def scaled_slope(slope: np.ndarray, step: str) -> np.ndarray:
    """The slope as a step uses it; the projection takes any constant out of it again.

    rank: its ranks over their number, in (0, 1], equal ones sharing theirs; std: over its standard deviation.
    """
    if step == "rank":
        return rankdata(slope) / len(slope)
    if step == "std":
        return slope / (slope.std() or 1.0)
    return slope


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Share of the one set that lies in the other."""
    return float(np.isin(one, other).mean())
