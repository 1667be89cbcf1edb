"""What open_clip does with a picture for one of its models, up to where pixels become floats."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from torchvision.transforms import ToTensor

from unlearn_cli.data.geometry import Preprocessing, channels_first


class OpenClipPreprocessing:
    """Its transform for evaluation; what comes after (the tensor in [0, 1], mean and std) the model does."""

    def __init__(self, config: dict[str, Any]):
        """config: a model's `visual.preprocess_cfg`."""
        self.config = PreprocessCfg(**config)

    def facts(self) -> dict[str, Any]:
        shaping = {key: value for key, value in asdict(self.config).items() if key not in ("mean", "std")}
        return {"open_clip": shaping}

    def __call__(self, image: Image.Image) -> np.ndarray:
        for step in self._steps:
            image = step(image)
        return channels_first(image)

    @cached_property
    def _steps(self) -> list[Any]:
        steps = image_transform_v2(self.config, is_train=False).transforms
        return list(takewhile(lambda step: not isinstance(step, ToTensor), steps))


_: type[Preprocessing] = OpenClipPreprocessing  # what it claims, mypy verifies
