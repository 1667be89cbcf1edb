"""Prompt suppression: the model is told not to name the concept, before every question."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field
from torch import nn

from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.base import Unlearning
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.tasks.verbs.vlm import Answers
from unlearn_cli.training.trainer import Trainer

PREAMBLE = "preamble.json"


class PromptSuppression(Unlearning):
    """The floor of all comparisons: nothing is changed but the prompt."""

    needs: ClassVar[type] = Answers
    maskable: ClassVar[bool] = False

    text: str = Field(
        min_length=1, description="what is written before each question; {} stands for the concepts"
    )

    def unlearn(self, task: Answers, model: VisionLanguage, sets: Sets, trainer: Trainer) -> nn.Module:
        model.preamble = self.text.replace("{}", ", ".join(one.concept for one in sets.concepts))
        write_json(trainer.folder / PREAMBLE, {"preamble": model.preamble})
        return model

    def restored(self, model: VisionLanguage, folder: Path) -> nn.Module:
        model.preamble = read_json(folder / PREAMBLE)["preamble"]
        return model
