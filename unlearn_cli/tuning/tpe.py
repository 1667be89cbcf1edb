"""Trials suggested by optuna's tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011).

A suggestion follows from `draw`, its number and what came of the trials before: a killed tuning is suggested
the same values again, and nothing is kept but the runs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from unlearn_cli.config.ranges import Range
from unlearn_cli.config.tune_keys import TuneSettings
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tuning.rounds import Launch, run_trials
from unlearn_cli.tuning.trials import Setting, Trial, Values

STARTUP = 10
"""Trials before the first suggestion, the same as those of sampler=random: optuna's own number."""
SIDE_BY_SIDE = 4
"""Suggestions for each method that a parallel launcher is given at once."""


def package() -> Any:
    """optuna. InputError: it is not installed, or has other names than those since 3.0."""
    try:
        import optuna
        from optuna.distributions import FloatDistribution  # noqa: F401
    except ImportError as error:
        raise InputError(
            f"sampler: tpe needs optuna ({error}); pip install 'optuna>=3.0', or leave sampler=random"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # else a line for each study
    return optuna


def run_suggested(
    settings: Mapping[str, Setting],
    trials: Mapping[str, list[Trial]],
    launch: Launch,
    wanted: TuneSettings,
    objective: Objective,
    at_once: int,
) -> None:
    """After each method's first trials, do those that follow from them, `at_once` of a method together."""
    for done in range(STARTUP, wanted.trials, at_once):
        batch = []
        for number in range(done + 1, min(done + at_once, wanted.trials) + 1):
            for method, setting in settings.items():
                values = suggested(setting, trials[method], objective, wanted.draw)
                trial = Trial(method, number, values)
                setting.check(trial)
                trials[method].append(trial)
                batch.append(trial)
        run_trials(settings, batch, launch, halving=False, objective=objective)


def suggested(setting: Setting, before: Sequence[Trial], objective: Objective, draw: int) -> Values:
    """Values of the trial after these. Those still to be run count as failed: others are suggested."""
    optuna = package()
    seed = int(rng("tpe", draw, len(before) + 1).integers(2**32))
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP, multivariate=False)
    study = optuna.create_study(sampler=sampler)
    axes = {key: _axis(space, value) for key, (space, value) in setting.spaces.items()}
    for trial in before:
        study.add_trial(_told(trial, setting, objective, axes))
    found = study.ask(axes).params
    return {
        key: space[found[key]] if isinstance(space, list) else space.rounded(found[key], value)
        for key, (space, value) in setting.spaces.items()
    }


def _axis(space: Range | list[Any], value: Any) -> Any:
    """A range as optuna's distribution, with ends that are rounded as what is drawn; a list by place."""
    kinds = package().distributions
    if isinstance(space, list):
        return kinds.CategoricalDistribution(range(len(space)))
    low, high, is_log = space.ends(value)
    ends = [space.rounded(end, value) for end in (low, high)]
    if not isinstance(value, int):
        return kinds.FloatDistribution(*ends, log=is_log)
    if is_log:  # zero, which a draw can round to, has no logarithm
        ends = [max(1, end) for end in ends]
    return kinds.IntDistribution(*ends, log=is_log)


def _told(trial: Trial, setting: Setting, objective: Objective, axes: Mapping[str, Any]) -> Any:
    """A trial as optuna has it, without those values in force that lie outside of their ranges.

    A failed or destroyed one is a pruned one, which the estimator holds for worse than all others, and for
    the worst where it has no value; optuna's own failed ones would teach it nothing.
    """
    params: Values = {}
    for key, (space, in_force) in setting.spaces.items():
        value = trial.values.get(key, in_force)
        if isinstance(space, list):
            params |= {key: space.index(value)} if value in space else {}
        elif isinstance(value, int | float) and axes[key].low <= value <= axes[key].high:
            params[key] = value
    badness, value, _ = objective.rank(trial.results)
    tell, state = package().trial.create_trial, package().trial.TrialState
    own = {"params": params, "distributions": {key: axes[key] for key in params}}
    if badness == 0:
        return tell(value=value, **own)
    return tell(state=state.PRUNED, intermediate_values={1: value} if badness == 1 else {}, **own)
