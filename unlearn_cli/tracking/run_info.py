"""What a tracker is told of a run before it begins."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.config.seeds import by_training, seed_text, stage_seeds
from unlearn_cli.config.variants import determining
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning
from unlearn_cli.tracking.columns import columns
from unlearn_cli.tracking.tracker import RunInfo

OF_METHOD = ("method", "mask", "surgery", "lora")
"""Groups that say nothing of the original and the oracle."""


@dataclass(frozen=True)
class Described:
    """A run as it is described before it begins, and in its folder ever after."""

    config: dict[str, Any]
    """Resolved."""
    choices: Mapping[str, str]
    """Option by group."""
    identity: dict[str, Any]
    """What moves its numbers; a file stands there by its content."""
    meanings: Mapping[str, Meaning]
    """Of metrics that are not unlearn's own."""
    environment: Mapping[str, Any]
    """Commit, versions, machine."""

    def retrained(self, seed: int) -> "Described":
        """With another seed of training, and those of the other stages as they were."""
        config = self.config | {"train": self.config["train"] | {"seed": seed}}
        identity = self.identity | {"train": self.identity["train"] | {"seed": seed}}
        return replace(self, config=config, identity=by_training(identity))


def run_id(folder: Path) -> str:
    """Of the run in that folder: one that is resumed continues its own."""
    return key_of({"folder": str(folder.absolute())})


def run_info(run: Described, id: str, job: str, determined_by: dict[str, Any], own: bool) -> RunInfo:
    """Of the command's own run, or of what it makes on its way, which others use too.

    Args:
        job: the kind of work, which stands for the method where the run is not the command's own.
        determined_by: what the numbers depend on.
    """
    choices = run.choices
    method = choices["method"] if own else job
    seeds = stage_seeds(run.config)
    unlearning = seeds["method"] if own else seeds["train"]
    place = tuple(choices[name] for name in ("data", "model", "forget"))
    meanings = MEANINGS | dict(run.meanings)
    told = columns(determined_by, run.config, choices, method) | {"environment": dict(run.environment)}
    return RunInfo(
        id=id,
        name=f"{choices['data']}-{choices['forget']}-{method}-{seed_text(seeds['train'], unlearning)}",
        group="/".join(place),
        job_type=job,
        tags=(method, *place),
        config=run.config | told,
        better={key: meaning.better for key, meaning in meanings.items()},
        glossary={key: f"{meaning.label}: {meaning.text}" for key, meaning in meanings.items()},
        own=own,
    )


def reference_info(run: Described, job: str) -> RunInfo:
    """Of the original or the oracle (`job`) as it is judged for all methods of a setting and a seed.

    The id follows from these: whichever run tells of the reference, it is one W&B run.
    """
    config = {group: value for group, value in run.config.items() if group not in OF_METHOD}
    same = {group: value for group, value in determining(run.identity).items() if group not in OF_METHOD}
    choices = {group: name for group, name in run.choices.items() if group not in (*OF_METHOD, "recipe")}
    id = key_of({"reference": job, "of": same})
    return run_info(replace(run, config=config, choices=choices), id, job, same, own=False)
