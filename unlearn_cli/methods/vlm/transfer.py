"""Transfer: the edits that an earlier run has found, at work on another model or layer."""

from pathlib import Path
from typing import ClassVar

import torch
from pydantic import Field
from torch import nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.methods.checkpoint import method_of
from unlearn_cli.methods.vlm.intervention import Intervention, check_layer, edit_files
from unlearn_cli.models.capabilities import WithActivations
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.sae.attachment import Attachment
from unlearn_cli.storage.run_config import check_whole
from unlearn_cli.tasks.verbs.vlm import Answers
from unlearn_cli.training.trainer import Trainer


class Transfer(Unlearning):
    """Nothing is looked for or chosen here: do the features of one model stand for the concept in another?"""

    needs: ClassVar[type] = Answers
    needs_model: ClassVar[type] = WithActivations
    maskable: ClassVar[bool] = False

    path: Path = Field(description="the run folder, of method=sauce, mean_difference, …")
    layer: str | None = Field(description="where they work here; null = where they were found")

    @torch.no_grad()
    def check(self, task: Answers, model: VisionLanguage, data: ImageData, sets: Sets) -> None:
        if self.layer is not None:
            check_layer(model, self.layer, "method.layer")
        made = self.attached(model)
        try:
            model.answer_logits(model.sample(), *([text] for text in model.pairs[0]))
        except InputError as error:
            raise InputError(f"method.path: {error}") from error
        finally:
            for one in made:
                one.remove()

    def unlearn(self, task: Answers, model: VisionLanguage, sets: Sets, trainer: Trainer) -> nn.Module:
        self.attached(model)
        return model

    def restored(self, model: VisionLanguage, folder: Path) -> nn.Module:
        self.attached(model)
        return model

    def attached(self, model: VisionLanguage) -> list[Attachment]:
        """The edits at work. InputError: the folder has none."""
        check_whole(self.path, "method.path")
        method, files = method_of(self.path), edit_files(self.path)
        if not (isinstance(method, Intervention) and files):
            raise InputError(
                f"method.path: no edits in '{self.path}'; give the folder of a run of method=sauce"
            )
        return [method.attached(model, file, self.layer) for file in files]
