"""What a tuning has found: a file of values for each method, which runs take, and one of all its trials."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.config.catalogue import VALUES
from unlearn_cli.config.nested import nested
from unlearn_cli.config.ranges import Range
from unlearn_cli.config.run_path import resolved
from unlearn_cli.config.spelling import as_typed
from unlearn_cli.config.tuned_for import differing, setting, setting_of, told
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.objective import Objective, is_destroyed
from unlearn_cli.storage.environment import source
from unlearn_cli.storage.files import replacing, write_json
from unlearn_cli.tuning.request import Request
from unlearn_cli.tuning.trials import Run, Setting, Trial


@dataclass(frozen=True)
class Found:
    """Of one method."""

    setting: Setting
    trials: list[Trial]
    objective: Objective
    request: Request

    @property
    def place(self) -> Path:
        """The file of its values."""
        return place_of(self.request.settings.into, self.setting.bases[0])

    @property
    def best(self) -> Trial:
        """Of those that were run to their end."""
        whole = [trial for trial in self.trials if trial.whole]
        return min(whole, key=lambda trial: (self.objective.rank(trial.results), trial.number))

    def score(self, trial: Trial) -> float | None:
        """As it is told: the mean over seeds, in the metric's own direction."""
        failed, value, _ = self.objective.rank(trial.results)
        return None if failed == 2 else (-value if self.objective.is_higher_better else value)

    @property
    def values(self) -> dict[str, Any]:
        """All that were searched, as the best trial has them, and what was typed, for which they are."""
        searched = {key: self.best.values.get(key, value) for key, (_, value) in self.setting.spaces.items()}
        return self.setting.fixed | searched

    @property
    def doubts(self) -> list[str]:
        """Why other ranges may do better; a line each."""
        scores = {self.score(trial) for trial in self.trials if trial.whole}
        if len(self.trials) > 1 and len(scores) == 1:
            searched = ", ".join(self.setting.spaces)
            return [f"all trials came out alike: nothing that was searched ({searched}) has an effect here"]
        return [
            f"{key}: the best, {as_typed(self.values[key])}, lies at the end of its range; a wider one "
            f"({key.replace('.', '.search.', 1)}) may do better"
            for key, (space, value) in self.setting.spaces.items()
            if isinstance(space, Range) and space.is_end(self.values[key], value)
        ]


def place_of(into: Path, run: Run) -> Path:
    """The file of a method's values."""
    above = [run.choices[group] for group in ("task", "data", "forget")]
    return into.joinpath(VALUES, *above, f"{run.choices['method']}.yaml")


def told_setting(run: Run) -> dict[str, Any]:
    """What values are tuned for."""
    return setting(resolved(run.config), run.choices)


def check_place(into: Path, run: Run) -> None:
    """InputError: the folder holds the method's values for another setting."""
    file = place_of(into, run).with_suffix(".json")
    if not file.exists():
        return
    try:
        before = setting_of(file)
    except InputError as error:
        raise InputError(f"into: {error}") from error
    now = told_setting(run)
    if keys := differing(before, now):
        key = keys[0]
        raise InputError(
            f"into: {into} holds values of {run.choices['method']} for {told({key: before[key]})}, and these "
            f"are for {told({key: now[key]})}; give another folder, into=FOLDER"
        )


def write(found: Found, command: Sequence[str]) -> Path:
    """Both files; that of the values. InputError: another tuning has found values there meanwhile."""
    run, best, objective, request = found.setting.bases[0], found.best, found.objective, found.request
    check_place(request.settings.into, run)
    place = found.place
    seeds = [base.config.seed for base in found.setting.bases]
    tuning = {"trials": len(found.trials), "seeds": seeds, "objective": objective.name}
    date = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    record = {
        "method": found.setting.method,
        **tuning,
        "sampler": request.settings.sampler,
        "halving": request.settings.halving,
        "draw": request.settings.draw,
        "best": best.number,
        "values": found.values,
        "doubts": found.doubts,
        "ranges": {key: as_told(space) for key, (space, _) in found.setting.spaces.items()},
        "setting": told_setting(run),
        "command": ["unlearn", *command],
        "date": date,
        "version": version("unlearn-cli"),
        "commit": source()["commit"],
        "list": [told_trial(found, trial) for trial in found.trials],
    }
    place.parent.mkdir(parents=True, exist_ok=True)
    write_json(place.with_suffix(".json"), record)
    lines = [
        "# @package _global_",
        f"# {shlex.join(['unlearn', f'method={found.setting.method}', *request.taking])}",
        f"# Trial {best.number} of {len(found.trials)} by {objective.name} on validation rows: "
        f"{told_score(found.score(best))}; the values in force: {told_score(found.score(found.trials[0]))}",
        f"# {shlex.join(record['command'])}",
        f"# {date}, unlearn {record['version']}, commit {record['commit'] or 'unknown'}",
    ]
    content = {"tuning": tuning | {"values": found.values}} | nested(found.values)
    with replacing(place) as temporary:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
        temporary.write_text("\n".join([*lines, text]), encoding="utf-8")
    return place


def told_trial(found: Found, trial: Trial) -> dict[str, Any]:
    """A trial as the record has it."""
    results = [result for result in trial.results if result]
    return {
        "trial": trial.number,
        "values": trial.values,
        "objective": found.score(trial),
        "by_seed": [found.objective.value(result) if result else None for result in trial.results],
        "whole": trial.whole,
        "destroyed": any(map(is_destroyed, results)),
        "failed": trial.reason,
        "metrics": [result["metrics"] for result in results],
        "seconds": [result["cost"].get("seconds") for result in results],
        "folders": [str(folder) for folder in trial.folders],
    }


def told_score(score: float | None) -> str:
    return "failed" if score is None else f"{score:.4g}"


def as_told(space: Any) -> Any:
    """A range as it stands in YAML."""
    return space if isinstance(space, list) else space.model_dump(exclude_defaults=True)
