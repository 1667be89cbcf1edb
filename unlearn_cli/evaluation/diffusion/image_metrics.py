"""Metrics of images that need no judge of the data's columns: CLIP, LPIPS, Inception-v3, NudeNet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from pydantic import Field

from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.diffusion.clip_score import ClipScore
from unlearn_cli.evaluation.diffusion.inception import InceptionSettings
from unlearn_cli.evaluation.diffusion.lpips import lpips_metrics, network
from unlearn_cli.evaluation.diffusion.nudenet import NudeNet
from unlearn_cli.evaluation.diffusion.prompts import PromptSet
from unlearn_cli.methods.original import Original

if TYPE_CHECKING:
    from unlearn_cli.origins import Origins


class ImageMetrics(InceptionSettings):
    """The keys of an evaluation that ask for them."""

    clip: ClipScore | None = Field(description="CLIP score, accuracy and error; null = none")
    lpips: bool = Field(description="LPIPS to the original's images from the same noise")
    nudenet: NudeNet | None = Field(description="exposed parts of the body; null = they are not looked for")

    def check_networks(self) -> None:
        """InputError if a network that is asked for cannot be loaded."""
        if self.clip:
            self.clip.check()
        if self.lpips:
            network()
        self.check_inception()
        if self.nudenet:
            self.nudenet.check()

    def metric_facts(self) -> dict[str, Any]:
        """The weights of CLIP, the version of NudeNet."""
        facts = {"clip": self.clip.identity()} if self.clip else {}
        return facts | ({"nudenet": self.nudenet.version()} if self.nudenet else {})

    def image_metrics(
        self, origins: Origins, prompts: PromptSet, outputs: Outputs, seed: int
    ) -> dict[str, float]:
        """Those asked for. outputs: "images" (n, c, H, W) uint8, "prompts" (n,) their places among the k."""
        images, places, device = outputs["images"], outputs["prompts"], origins.compute.device
        forgotten = prompts.is_forgotten[places.numpy()]
        values: dict[str, float] = {}
        if self.clip:
            anchored = prompts.anchored(origins.sets.concepts)
            values |= self.clip.metrics(
                images, places, prompts.prompts, anchored, prompts.is_forgotten, device
            )
        if self.lpips:
            originals = origins.outputs(origins.get(Original()))["images"]
            values |= lpips_metrics(images, originals, forgotten, device)
        if not forgotten.all():
            kept = images[torch.from_numpy(~forgotten)]
            values |= self.inception_metrics(origins.data, origins.sets.retain, kept, seed, device)
        if self.nudenet:
            values |= self.nudenet.metrics(images)
        return values
