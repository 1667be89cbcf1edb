"""In which order given trials are run: all at once, or by successive halving.

Successive halving: Jamieson and Talwalkar, AISTATS 2016 (arXiv:1502.07943), with a third in place of a half.
"""

from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import Path

from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.tuning.trials import Run, Setting, Trial, Values

ETA = 3
SHARES = (1 / ETA**2, 1 / ETA, 1)
"""Of its epochs that a trial has in each round."""
LENGTHS = ("method.epochs", "method.max_steps")
"""Keys that say how long a method trains, where it has them."""

Launch = Callable[[Sequence[Run]], list[Path]]
"""Do the runs; the folder of each, finished or failed."""


def run_trials(
    settings: Mapping[str, Setting],
    trials: Sequence[Trial],
    launch: Launch,
    halving: bool,
    objective: Objective,
) -> None:
    """Do them, and note what came of each. Every method has the same number of them in each round."""
    left = [trial for trial in trials if trial.reason is None]
    if not left:
        return
    for share in SHARES if halving else (1,):
        parts = [(trial, settings[trial.method].runs(lasting(trial, settings, share))) for trial in left]
        folders = iter(launch([run for _, runs in parts for run in runs]))
        for trial, runs in parts:
            trial.take([next(folders) for _ in runs])
        if share < 1:
            left = [trial for method in settings for trial in best(left, method, objective)]
            for trial in trials:
                trial.whole = trial in left


def lasting(trial: Trial, settings: Mapping[str, Setting], share: float) -> Values:
    """The trial's values with a share of its epochs and steps."""
    if share == 1:
        return trial.values
    base, found = settings[trial.method].bases[0].config.method, dict(trial.values)
    for key in LENGTHS:
        whole = trial.values.get(key, base.get(key.partition(".")[2]))
        if whole is not None:
            found[key] = ceil(share * whole)
    return found


def best(trials: Sequence[Trial], method: str, objective: Objective) -> list[Trial]:
    """The best third of a method's, and always the values in force."""
    own = [trial for trial in trials if trial.method == method]
    ordered = sorted(own, key=lambda trial: objective.rank(trial.results))
    kept = ordered[: ceil(len(own) / ETA)]
    return [trial for trial in own if trial in kept or trial.number == 1]
