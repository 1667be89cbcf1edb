"""A class-conditional UNet of one's own: a folder that diffusers' `save_pretrained` wrote."""

from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from diffusers import DDIMScheduler
from pydantic import Field
from torch import nn

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import WRITTEN, TakesWeights
from unlearn_cli.models.diffusion.class_conditional import ClassConditional, knows_null
from unlearn_cli.models.diffusion.noising import SCHEDULER, BetaSchedule, Prediction, ddpm_process
from unlearn_cli.models.diffusion.opened import faults_told
from unlearn_cli.models.diffusion.unet_folder import CONFIG, HINT, UNetFolder
from unlearn_cli.models.input import Known
from unlearn_cli.models.own_weights import KEY
from unlearn_cli.storage.files import read_json
from unlearn_cli.storage.identity import content_of

SAID = {"timesteps": "num_train_timesteps", "beta_schedule": "beta_schedule", "prediction": "prediction_type"}
"""Our keys by what diffusers calls them."""
REMEDY = "give a model that was trained to undo the noise of DDPM"


class FromFolder(ClassConditional):
    """It is saved as its folder was."""

    def __init__(self, unet: Any, process: Any, classes: int, label_drop: float, source: UNetFolder):
        has_null = knows_null(source.config["num_class_embeds"], classes, f"'{source.place}'")
        super().__init__(unet, process, classes, label_drop, has_null)
        self.source = source

    def save(self, folder: Path) -> None:
        self.source.write_like(self.alone(), folder)


class DiffusersSettings(TakesWeights):
    """Its weights are kept in fp32, whatever precision they are stored in."""

    tasks: ClassVar[tuple[str, ...]] = ("generation",)

    label_drop: float = Field(
        ge=0,
        lt=1,
        description="share of classes replaced by the null one in training; 0 where the weights know none",
    )
    timesteps: int | None = Field(
        gt=0, description="steps of the noising process; null: as the folder's scheduler says"
    )
    beta_schedule: BetaSchedule | None = Field(description="how β_t grows; null: as the scheduler says")
    prediction: Prediction | None = Field(
        description="what the network predicts; null: as the scheduler says"
    )

    def build(self, images: ImageSpec) -> FromFolder:
        """As `AnyModel.build`, of the shape that the folder says.

        InputError: no such folder, of another model, for other images or classes; no scheduler.
        """
        return self._wrapped(self.source.blank, images)

    def original(self, images: ImageSpec) -> FromFolder:
        """`build`, with the folder's weights. InputError: they are missing, foreign or damaged."""
        return self._wrapped(self.source.filled, images)

    def known(self) -> Known:
        return Known(channels=self.source.config["in_channels"])

    def facts(self) -> dict[str, Any]:
        files = {"config": self.source.unet / CONFIG, "scheduler": self.source.scheduler}
        return super().facts() | {name: content_of(file) for name, file in files.items() if file}

    def write_back(self, model: nn.Module, folder: Path) -> None:
        """As a folder like `weights`."""
        assert isinstance(model, FromFolder)
        model.save(folder / WRITTEN)

    @cached_property
    def source(self) -> UNetFolder:
        """The folder. InputError: none was named."""
        if self.own_weights is None:
            raise InputError(f"{KEY}: missing; set {KEY}=FOLDER, what save_pretrained wrote")
        return UNetFolder(self.own_weights)

    def _wrapped(self, unet: Any, images: ImageSpec) -> FromFolder:
        """unet: makes it, once all else is known to fit."""
        self.source.check_takes(images)
        process = self._process()
        return FromFolder(unet(), process, len(images.classes), self.label_drop, self.source)

    def _process(self) -> DDIMScheduler:
        """InputError: neither the folder nor the settings say it all, or they contradict each other."""
        said = {theirs: getattr(self, ours) for ours, theirs in SAID.items()}
        file = self.source.scheduler
        if file is None:
            for ours, theirs in SAID.items():
                if said[theirs] is None:
                    raise InputError(
                        f"model.{ours}: not said, for '{self.weights}' has no {SCHEDULER}; give those of the "
                        "training, as in model.timesteps=1000 model.beta_schedule=linear "
                        "model.prediction=epsilon"
                    )
            return DDIMScheduler(**said, timestep_spacing="trailing")
        with faults_told(KEY, file, HINT):
            config = dict(read_json(file))
            process: Any = ddpm_process(str(config.get("_class_name")), config, KEY, self.weights, REMEDY)
        for ours, theirs in SAID.items():
            if said[theirs] not in (None, found := process.config[theirs]):
                raise InputError(f"model.{ours}: {said[theirs]}, but {file} says {found}; leave it out")
        return process
