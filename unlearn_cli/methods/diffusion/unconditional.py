"""The prediction without a condition, from which some methods turn away."""

import torch
from torch import Tensor

from unlearn_cli.errors import InputError
from unlearn_cli.models.capabilities import Guidable
from unlearn_cli.models.diffusion.denoiser import Denoiser, remedy


def check_unconditional(model: Guidable, method: str, condition: str) -> None:
    """InputError if the model has not learnt to predict without the condition (a class, a prompt)."""
    if not model.unconditional:
        raise InputError(
            f"method: {method} needs a model that was trained with label drop, for its prediction without a "
            f"{condition}; {remedy(model)}"
        )


@torch.no_grad()
def turned_away(
    model: Denoiser, x: Tensor, t: Tensor, concept: Tensor, eta: float, begin: Tensor | None = None
) -> Tensor:
    """ε(x_t, t, b) − η·[ε(x_t, t, c) − ε(x_t, t, ∅)] for conditions c and b (B,); b: None = ∅.

    Gandikota et al., ICCV 2023, Eq. 6. The model is in eval mode.
    """
    nothing = model(x, t, torch.full_like(concept, model.null)).float()
    start = nothing if begin is None else model(x, t, begin).float()
    return start - eta * (model(x, t, concept).float() - nothing)
