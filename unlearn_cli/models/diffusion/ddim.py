"""A step of DDIM, from any timestep to any earlier one."""

from typing import Any

from torch import Tensor


def ddim_step(
    process: Any,
    output: Tensor,
    t: Tensor,
    before: Tensor | None,
    x: Tensor,
    eta: float,
    noise: Tensor | None,
) -> Tensor:
    """x at the timestep `before` (None: the end) from x_t and the model's output (B, c, h, w) for it.

    Song et al., ICLR 2021, Eq. 12 and 16. diffusers' own step goes T / steps back whatever the spacing of the
    timesteps is, which for "linspace" are states between them. noise: where eta is not 0.
    """
    config, alphas = process.config, process.alphas_cumprod
    alpha, alpha_before = alphas[t], process.final_alpha_cumprod if before is None else alphas[before]
    signal, rest = alpha**0.5, (1 - alpha) ** 0.5
    if config.prediction_type == "sample":
        clean, direction = output, (x - signal * output) / rest
    elif config.prediction_type == "v_prediction":
        clean, direction = signal * x - rest * output, signal * output + rest * x
    else:
        clean, direction = (x - rest * output) / signal, output
    if config.clip_sample:
        clean = clean.clamp(-config.clip_sample_range, config.clip_sample_range)
    spread = eta * ((1 - alpha_before) / (1 - alpha) * (1 - alpha / alpha_before)) ** 0.5
    found = alpha_before**0.5 * clean + (1 - alpha_before - spread**2) ** 0.5 * direction
    return found if noise is None else found + spread * noise
