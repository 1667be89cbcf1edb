"""The retrain oracle: exact unlearning, the yardstick of every approximate method."""

from typing import ClassVar

import numpy as np

from unlearn_cli.methods.original import Original, Parted


class Retrain(Original):
    """θ_r = argmin_θ E_{D_r}[ℓ(θ; x, y)]: the original's recipe and seed on what is not to be forgotten.

    D_r is all of that, even where methods see a few shots of it alone.
    """

    job: ClassVar[str] = "oracle"

    def rows(self, run: Parted) -> np.ndarray:
        return run.sets.unforgotten

    def val(self, run: Parted) -> np.ndarray:
        return run.sets.val
