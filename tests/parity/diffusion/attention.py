"""Cross-attention by hand, as a processor of diffusers: softmax(q kᵀ/√d) v for each head."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Seen = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


class ByHand:
    """Keeps the probabilities (B, heads, pixels, L) of each pass; may stop gradients at the start token."""

    def __init__(self, stop_at_start: bool):
        self.stop_at_start = stop_at_start
        self.probabilities: list[Tensor] = []

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, **more) -> Tensor:
        key, value = attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states)
        if self.stop_at_start:
            learns = torch.ones_like(key)
            learns[:, 0] = 0
            key = learns * key + (1 - learns) * key.detach()
            value = learns * value + (1 - learns) * value.detach()
        q, k, v = (
            x.unflatten(2, (attn.heads, -1)).transpose(1, 2) for x in (attn.to_q(hidden_states), key, value)
        )
        scores = (q @ k.transpose(2, 3) / q.shape[3] ** 0.5).softmax(3)
        self.probabilities.append(scores)
        return attn.to_out[0]((scores @ v).transpose(1, 2).flatten(2))


def with_attention(model: nn.Module, stop_at_start: bool = False) -> tuple[nn.Module, ByHand]:
    """The model, its cross-attention computed by hand from now on."""
    processor = ByHand(stop_at_start)
    for name, module in model.named_modules():
        if name.endswith("attn2"):
            module.set_processor(processor)
    return model, processor
