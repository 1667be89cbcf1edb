"""scikit-learn's digits: 1,797 real 8 x 8 grayscale images of 10 classes that need no network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.datasets import load_digits

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.settings import DataSettings

if TYPE_CHECKING:
    from unlearn_cli.runtime.compute import Compute
    from unlearn_cli.storage.store import Store


class Digits(DataSettings):
    """The built-in data set. The official test rows are a stratified part, put last."""

    def load(self, root: Path | None, store: Store, compute: Compute) -> ImageData:
        digits = load_digits()
        # grey levels 0..16 -> 0..255
        pixels = torch.from_numpy(np.rint(digits.images * (255 / 16)).astype(np.uint8)[:, None])
        return self.in_memory(pixels, digits.target, [str(c) for c in digits.target_names], {}, compute)
