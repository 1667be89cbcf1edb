"""What a tracker is told of a run before it begins."""

from typing import Any

from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.experiment import Experiment
from unlearn_cli.storage.environment import environment
from unlearn_cli.tracking.columns import columns
from unlearn_cli.tracking.tracker import RunInfo


def run_info(experiment: Experiment, id: str, job: str, determining: dict[str, Any], own: bool) -> RunInfo:
    """Of the command's own run, or of what it makes for the store on its way.

    Args:
        job: the kind of work, which stands for the method where the run is not the command's own.
        determining: what the numbers depend on.
    """
    choices = experiment.choices
    method = choices["method"] if own else job
    place = tuple(choices[name] for name in ("data", "model", "forget"))
    meanings = MEANINGS | experiment.meanings
    metrics = {key: f"{meaning.label}: {meaning.text}" for key, meaning in meanings.items()}
    return RunInfo(
        id=id,
        name=f"{choices['data']}-{choices['forget']}-{method}-s{experiment.seed}",
        group="/".join(place),
        job_type=job,
        tags=(method, *place),
        config=experiment.config
        | columns(determining, experiment.config, choices, method)
        | {"environment": environment(), "metrics": metrics},
        better={key: meaning.better for key, meaning in meanings.items()},
        own=own,
    )
