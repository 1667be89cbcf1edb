"""A CLIP's two towers and the losses on their embeddings, in plain torch and open_clip's own blocks."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def unit(x: Tensor) -> Tensor:
    return x / x.norm(dim=-1, keepdim=True)


def texts(clip, tokens: Tensor, contexts: Sequence[Tensor] = ()) -> Tensor:
    """(n, E) of tokens (n, L); contexts[l], (n, W) each, instead of those behind the start at block l."""

    def put(x: Tensor, context: Tensor) -> Tensor:
        return torch.cat([x[:, :1], context.expand(len(x), -1, -1), x[:, 1 + context.shape[-2] :]], dim=1)

    x = clip.token_embedding(tokens)
    if len(contexts):
        x = put(x, contexts[0])
    x = x + clip.positional_embedding[: tokens.shape[1]]
    for number, block in enumerate(clip.transformer.resblocks):
        if 0 < number < len(contexts):
            x = put(x, contexts[number])
        x = block(x, attn_mask=clip.attn_mask)
    ends = clip.ln_final(x)[torch.arange(len(x)), tokens.argmax(dim=1)]
    return unit(ends @ clip.text_projection)


def images(clip, x: Tensor, prompts: Sequence[Callable[[Tensor], Tensor]] = ()) -> Tensor:
    """(B, E) of images in [0, 1]; prompts[l]: patches (B, N, W) -> what stands behind them at block l."""
    visual = clip.visual
    x = visual.conv1((x - 0.5) / 0.25).flatten(2).transpose(1, 2)
    patches = 1 + x.shape[1]
    x = torch.cat([visual.class_embedding.expand(len(x), 1, -1), x], dim=1) + visual.positional_embedding
    if prompts:
        x = torch.cat([x, prompts[0](x[:, 1:]).expand(len(x), -1, -1)], dim=1)
    x = visual.ln_pre(x)
    for number, block in enumerate(visual.transformer.resblocks):
        if 0 < number < len(prompts):
            kept = x[:, :patches]
            x = torch.cat([kept, prompts[number](kept[:, 1:]).expand(len(x), -1, -1)], dim=1)
        x = block(x)
    return unit(visual.ln_post(x[:, 0]) @ visual.proj)


def remember(logits: Tensor, y: Tensor) -> Tensor:
    """L_memorize."""
    return -torch.stack([row.log_softmax(0)[label] for row, label in zip(logits, y, strict=True)]).mean()


def forget(logits: Tensor, kind: str) -> Tensor:
    """L_forget: to the uniform distribution (ADU's paper), or minus the entropy (its code)."""
    p = logits.softmax(1)
    each = -p.log().mean(1) if kind == "uniform_ce" else (p * (p + 1e-5).log()).sum(1)
    return each.mean()


def both(tiny, logits: Tensor, rows, kind: str = "uniform_ce") -> Tensor:
    """L_memorize + L_forget of rows, the first six of which are to be forgotten; one without rows is 0."""
    gone = torch.from_numpy(rows < 6)
    y = torch.from_numpy(rows % 3)
    loss = logits.new_zeros(())
    if (~gone).any():
        loss = loss + remember(logits[~gone], y[~gone])
    if gone.any():
        loss = loss + forget(logits[gone], kind)
    return loss


def pixels(tiny, rows) -> Tensor:
    return tiny.data.tensor[torch.from_numpy(rows)].float() / 255
