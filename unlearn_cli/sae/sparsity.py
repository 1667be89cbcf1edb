"""What keeps a code sparse: which latents' values stay."""

import torch
from torch import Tensor


def top(values: Tensor, k: int) -> Tensor:
    """The k largest values of the last dimension in their places, 0 elsewhere (TopK)."""
    largest, places = values.topk(k, dim=-1, sorted=False)
    return torch.zeros_like(values).scatter(-1, places, largest)


def top_of_batch(values: Tensor, k: int) -> Tensor:
    """The n·k largest of all values (n, m) in their places, 0 elsewhere (BatchTopK)."""
    return top(values.flatten(), k * len(values)).view_as(values)


def jump(values: Tensor, threshold: Tensor, bandwidth: float) -> tuple[Tensor, Tensor]:
    """JumpReLU and its gate H(v − θ) of values (n, m) and thresholds (m,) ≥ 0, which learn from both.

    Neither has a gradient in θ: that of the expected loss is estimated from the values that lie within half
    a bandwidth ε of θ, as −θ/ε for JumpReLU and −1/ε for the gate (Rajamanoharan et al., 2024, equations
    11 and 12). Values have JumpReLU's own gradient, and none through the gate.
    """
    at = threshold.detach()
    above = (values.detach() > at).to(values.dtype)
    near = ((values.detach() - at).abs() < bandwidth / 2).to(values.dtype)
    gate = above + near * (at - threshold) / bandwidth
    return values * above + at * (gate - above), gate
