"""From a composed configuration to typed settings: every key checked before any data are read."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig
from pydantic import Field, field_validator
from torch import nn

from unlearn_cli.config.catalogue import Option, options
from unlearn_cli.config.describe import values_of
from unlearn_cli.config.nested import counted
from unlearn_cli.config.protocols import lacking, spelt
from unlearn_cli.config.run_keys import Expected, Oracles, Paths, Shadows, Tuning
from unlearn_cli.config.run_path import resolved, run_path
from unlearn_cli.config.seeds import STAGES, Seeds
from unlearn_cli.config.settings import Settings, build, checked, kind_of
from unlearn_cli.config.variants import spelt_out
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import Meaning
from unlearn_cli.evaluation.own_metrics import own_metrics
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.runtime.compute import Compute, Device, Precision
from unlearn_cli.runtime.garbage import no_collection
from unlearn_cli.storage.environment import environment
from unlearn_cli.storage.identity import Identity, identity_of
from unlearn_cli.tasks.verbs.base import SmoothsLabels
from unlearn_cli.tracking.run_info import Described
from unlearn_cli.training.optim import Training

GROUPS = ("task", "forget", "data", "model", "method", "mask", "surgery", "lora", "eval", "tracking")


class Experiment(Settings):
    """One run, fully described."""

    seed: int = Field(
        ge=0,
        lt=2**63,
        description="sets all seeds: train.seed, method.seed, eval.seed and forget.seed follow it unless set",
    )
    device: Device = Field(description="auto: CUDA where there is a GPU")
    precision: Precision = Field(description="auto: bf16 on a GPU that has it; on a CPU where it is faster")
    channels_last: bool = Field(description="memory layout of images and convolutions: NHWC, often faster")
    compile: bool = Field(description="torch.compile while training; pays in long trainings on a GPU")
    progress: bool = Field(description="progress bars on the terminal")
    checkpoint_minutes: float = Field(
        ge=0, description="time between two checkpoints to resume from; 0 = after every step"
    )
    oracle: Oracles
    shadows: Shadows
    judged_on: Literal["test", "validation"] = Field(
        default="test",
        description="rows that all numbers of a model are of. validation: those in place of the test rows, "
        "which are in no part of the data then, and (of models that draw) other noise; for choosing values",
    )
    tuned: Path | None = Field(
        default=None, description="folder of `unlearn tune` whose values are taken; what is typed wins"
    )
    tuning: Tuning | None = Field(
        default=None, description="how they were chosen; the files of values in that folder say so"
    )
    paths: Paths
    train: Training
    task: Any
    data: Any
    model: Any
    forget: Any
    method: Any
    mask: Any
    surgery: Any
    lora: Any
    eval: Any
    metric: dict[str, Any] = Field(default={}, description="metrics of one's own, by key")
    tracking: Any
    expected: Expected | list[Expected] | None
    choices: dict[str, str] = Field(description="which option of each group was chosen")
    config: dict[str, Any] = Field(description="the resolved configuration, as written to the run folder")

    @field_validator("oracle", mode="before")
    @classmethod
    def _spelt_out(cls, node: Any) -> Any:
        return spelt_out(node)

    @property
    def seeds(self) -> Seeds:
        """Of each stage."""

        def of(stage: str, followed: int) -> int:
            own = getattr(getattr(self, stage), "seed", None)
            return followed if own is None else own

        train, method, judging = (of(stage, self.seed) for stage in STAGES)
        return Seeds(train, method, judging, of("forget", train))

    @property
    def oracle_seeds(self) -> range:
        """Training seeds of the oracles, its own first."""
        first = self.seeds.train
        return range(first, first + self.oracle.count)

    @property
    def paper(self) -> dict[str, Any]:
        """`expected` (mean and deviation by metric) and `source`: the paper's numbers for this method.

        None where it has none, or where the run is not the paper's setting (other data, another model).
        """
        papers = [self.expected] if isinstance(self.expected, Expected) else self.expected or []
        for paper in papers:
            values = paper.values.get(self.choices["method"])
            if values and paper.choices.items() <= (self.choices | self.values).items():
                return {"expected": values, "source": paper.source}
        return {"expected": None, "source": None}

    @property
    def meanings(self) -> dict[str, Meaning]:
        """Of metrics that are not unlearn's own: those of `metric=`, and what an evaluation adds."""
        return {**self.eval.meanings, **{name: metric.meaning for name, metric in self.metric.items()}}

    @property
    def has_oracle(self) -> bool:
        """Whether the run is compared with the oracle."""
        compare = self.oracle.compare
        return not self.model.comes_trained if compare == "auto" else compare

    @property
    def needs_oracle(self) -> bool:
        """Whether the run is compared with the oracle, or is it."""
        return self.has_oracle or isinstance(self.method, Retrain)

    def compute(self) -> Compute:
        """The device, the precision and the processes that it asks for."""
        return Compute(self.device, self.precision, self.channels_last, self.compile)

    @property
    def values(self) -> dict[str, Any]:
        """The resolved values by dotted key; of a list also its length."""
        return counted(self.config)

    @cached_property
    def identity(self) -> Identity:
        """What its numbers belong to, as things are on the disk when it is first asked for."""
        return identity_of(self.config)

    def described(self) -> Described:
        """What a tracker is told of it."""
        identity = self.identity.configuration
        return Described(self.config, self.choices, identity, self.meanings, environment())

    @property
    def folder(self) -> Path:
        """The run's own folder; see `run_path`."""
        return run_path(self.config, self.choices, self.identity.key)


def read(cfg: DictConfig, choices: dict[str, str]) -> Experiment:
    """Check a composed configuration and make its settings.

    Args:
        choices: option by group (`{"method": "salun", ...}`), for names and messages.

    Raises:
        InputError: a missing or unknown key, a value of the wrong type or out of range, a method that does
            not fit the task. One line.
    """
    config = resolved(cfg)
    # first the run's own keys, which others refer to (forget.seed follows seed)
    experiment = checked(Experiment, config | {"choices": choices, "config": config}, "")
    with no_collection():  # the classes are imported
        options = {group: build(config[group], group) for group in GROUPS}
        options["metric"] = own_metrics(experiment.metric)
    if experiment.judged_on == "validation":
        options["eval"] = options["eval"].on_validation()
    experiment = experiment.model_copy(update=options)
    _check_fits_task(experiment)
    return experiment


def _check_fits_task(experiment: Experiment) -> None:
    """Refuse a model, an evaluation or a method that is not for this task, or an impossible oracle."""
    task, method, choices = experiment.task, experiment.method, experiment.choices
    name = getattr(task, "name", "")
    for key, metric in experiment.metric.items():
        if name not in metric.tasks:
            raise InputError(
                f"metric: '{key}' does not fit task={choices['task']}; it measures {', '.join(metric.tasks)}"
            )
    for group in ("model", "eval"):
        if name not in getattr(experiment, group).tasks:
            fitting = _fitting(group, lambda kind: name in kind.tasks)
            raise InputError(
                f"{group}: '{choices[group]}' does not fit task={choices['task']}; "
                f"those that do: {fitting or 'none'}"
            )
    if experiment.model.ready_made and experiment.needs_oracle:
        key, way = ("oracle", "set oracle=false") if experiment.has_oracle else ("method", "choose another")
        raise InputError(
            f"{key}: model={choices['model']} is ready-made, and cannot be retrained without what is "
            f"forgotten; {way}"
        )
    if experiment.oracle.count > 1 and not experiment.has_oracle:
        way = (
            "set oracle.count=1"
            if experiment.model.ready_made
            else "set oracle.compare=true, or oracle.count=1"
        )
        raise InputError(
            f"oracle.count: {experiment.oracle.count} oracles, and the run is compared with none; {way}"
        )
    _has_verbs(task, method.needs, "method", "method", choices)
    _has_effect(experiment)
    _has_labels_to_smooth(experiment)
    experiment.eval.check_pools(experiment)
    if experiment.forget.trains:
        _has_verbs(task, experiment.forget.lower.needs, "lower", "lower@forget.lower", choices)


def _has_effect(experiment: Experiment) -> None:
    """Refuse a mask and a surgery that would leave the method as it is."""
    task, method, choices = experiment.task, experiment.method, experiment.choices
    name = choices["method"]
    if experiment.mask.scored and not method.maskable:
        fitting = _fitting("method", lambda kind: kind.maskable and not lacking(task, kind.needs))
        raise InputError(
            f"mask: '{choices['mask']}' would change nothing, for method={name} moves no weights of the "
            f"original model; set mask=none, or choose one of {fitting}"
        )
    if experiment.surgery.build() and not method.has_two_sides():
        fitting = _fitting("method", lambda kind: kind.sides is not None and not lacking(task, kind.needs))
        raise InputError(
            f"surgery: '{choices['surgery']}' needs one term for forgetting, one for retaining in each step; "
            f"method={name} has not both{' with these values' if method.sides is not None else ''}; "
            f"set surgery=none, or choose one of {fitting}"
        )


def _has_labels_to_smooth(experiment: Experiment) -> None:
    """Refuse smoothed labels where the loss is of none."""
    if isinstance(experiment.task, SmoothsLabels):
        return
    for key, recipe in (("train", experiment.train), ("method", experiment.method)):
        if getattr(recipe, "label_smoothing", 0):
            raise InputError(
                f"{key}.label_smoothing: the loss of task={experiment.choices['task']} is not one of class "
                f"labels; set {key}.label_smoothing=0"
            )


def check_model(experiment: Experiment, model: nn.Module) -> None:
    """Refuse a method, or a lower level, that asks for what the model's class does not offer.

    Raises:
        InputError: one line, with what the class must offer.
    """
    _has_capabilities(model, experiment.method.needs_model, "method", experiment.choices)
    if experiment.forget.trains:
        lower = experiment.forget.lower
        _has_capabilities(model, lower.needs_model, "lower@forget.lower", experiment.choices)


def _has_verbs(task: object, needs: type, group: str, key: str, choices: dict[str, str]) -> None:
    """Refuse an option of the group, chosen by `key`, that asks for verbs which the task lacks."""
    if missing := lacking(task, needs):
        verbs = ", ".join(names[0] for names in missing.values())
        fitting = _fitting(group, lambda kind: not lacking(task, kind.needs))
        raise InputError(
            f"{key}: '{choices[key]}' does not fit task={choices['task']} "
            f"(it needs {verbs}); those that do: {fitting}"
        )


def _has_capabilities(model: nn.Module, needs: type, key: str, choices: dict[str, str]) -> None:
    """Refuse the option that `key` has chosen if it asks for what the model lacks."""
    if missing := lacking(model, needs):
        kind = type(model)
        raise InputError(
            f"{key}: '{choices[key]}' does not fit model={choices['model']}; for it the class "
            f"{kind.__module__}.{kind.__qualname__} must offer "
            f"{', '.join(spelt(needs, name) for names in missing.values() for name in names)}"
        )


def _fitting(group: str, fits: Callable[[Any], bool]) -> str:
    """The group's options whose class fits."""
    return ", ".join(option.name for option in options(group) if (kind := _class_of(option)) and fits(kind))


def _class_of(option: Option) -> Any:
    """The settings class of an option; None for a plug-in that cannot be imported, which is its own fault."""
    try:
        return kind_of(values_of(option.path).get("_target_"), option.name)
    except InputError:
        if option.is_plugin:
            return None
        raise
