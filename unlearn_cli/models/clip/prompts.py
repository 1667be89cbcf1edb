"""Learnable tokens among those of a CLIP's towers, put there by hooks: open_clip itself stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from unlearn_cli.errors import InputError
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip
from unlearn_cli.models.memory import Memory

INIT_STD = 0.02

At = Callable[[int, Tensor], Tensor]
"""(block, the patches' tokens that enter it (B, N, W)) -> that block's prompts, (n, W) or (B, n, W)."""


@contextmanager
def among_patches(visual: Any, number: int, depth: int, at: At) -> Iterator[None]:
    """`number` prompts behind the patches of a vision transformer, new ones at each of its first blocks.

    Those of block 0 come before ln_pre, and after the last block all are taken away. When the context ends
    the tower is what it was.
    """

    def first(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (_joined(inputs[0], at(0, inputs[0][:, 1:])), *inputs[1:])

    def later(block: int) -> Callable[..., tuple[Tensor, ...]]:
        def replace(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            kept = inputs[0][:, :-number]
            return (_joined(kept, at(block, kept[:, 1:])), *inputs[1:])

        return replace

    def last(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        return output[:, :-number]

    blocks = visual.transformer.resblocks
    with ExitStack() as hooks:
        hooks.enter_context(visual.ln_pre.register_forward_pre_hook(first))
        for block in range(1, depth):
            hooks.enter_context(blocks[block].register_forward_pre_hook(later(block)))
        hooks.enter_context(visual.transformer.register_forward_hook(last))
        yield


@contextmanager
def among_words(text: Any, contexts: Sequence[Tensor] | Tensor) -> Iterator[None]:
    """contexts[l], (n, W) or (texts, n, W), in place of the tokens behind the start as they enter block l."""

    def replaced(tokens: Tensor, context: Tensor) -> Tensor:
        context = context.to(tokens.dtype).expand(len(tokens), -1, -1)
        return torch.cat([tokens[:, :1], context, tokens[:, 1 + context.shape[1] :]], dim=1)

    def embedded(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        return replaced(output, contexts[0])

    def later(context: Tensor) -> Callable[..., tuple[Tensor, ...]]:
        return lambda _, inputs: (replaced(inputs[0], context), *inputs[1:])

    with ExitStack() as hooks:
        hooks.enter_context(text.token_embedding.register_forward_hook(embedded))
        for block, context in zip(text.transformer.resblocks[1:], contexts[1:], strict=False):
            hooks.enter_context(block.register_forward_pre_hook(later(context)))
        yield


class VisualPrompts(nn.Module):
    """P_l ~ N(0, 0.02²), (n, W), for each of the first `depth` blocks (deep VPT: Jia et al., ECCV 2022).

    `generator`, if there is one, makes those of block `layer` from the image: (P, patches) -> (B, n, W).
    """

    def __init__(
        self, number: int, depth: int, width: int, generator: nn.Module | None = None, layer: int = 0
    ):
        super().__init__()
        self.tokens = nn.Parameter(INIT_STD * torch.randn(depth, number, width))
        self.generator = generator
        self.layer = layer

    def on(self, visual: Any) -> AbstractContextManager[None]:
        depth, number, _ = self.tokens.shape
        return among_patches(visual, number, depth, self.at)

    def at(self, block: int, patches: Tensor) -> Tensor:
        if self.generator is None or block != self.layer:
            return self.tokens[block]
        return self.generator(self.tokens[block], patches)


class TextPrompts(nn.Module):
    """Learnable context before a class' name (CoOp: Zhou et al., IJCV 2022), new at each of `depth` blocks.

    It begins as N(0, 0.02²), or as the embedding of the first `number` tokens of `words`; what these have
    beyond them stands fixed between the context and the name (MaPLe's release).
    """

    names: Tensor
    """(C, L), see `placeholders`."""

    def __init__(self, model: ZeroShotClip, number: int, depth: int = 1, words: str | None = None):
        super().__init__()
        width = model.text.token_embedding.weight.shape[1]
        contexts = INIT_STD * torch.randn(depth, number, width)
        if words:
            with torch.no_grad():
                contexts[0] = model.text.token_embedding(model.tokens([words]))[0, 1 : 1 + number].cpu()
        self.contexts = nn.Parameter(contexts)
        self.register_buffer("names", placeholders(model, number, words), persistent=False)
        self.remembered = Memory()
        """The class embeddings, by contexts and weights."""

    def encode(self, model: ZeroShotClip) -> Tensor:
        """Class embeddings (C, E), normalised; computed once for all where no gradient is asked for."""
        if torch.is_grad_enabled():
            return encoded(model, self.contexts, self.names)
        known = self.remembered.of([self.contexts, *model.text_weights()])
        if "classes" not in known:
            with model.reading():
                known["classes"] = encoded(model, self.contexts, self.names)
        return known["classes"]


def encoded(model: ZeroShotClip, contexts: Sequence[Tensor] | Tensor, tokens: Tensor) -> Tensor:
    """Embeddings (n, E), normalised, of texts (n, L) with these contexts behind their start."""
    with among_words(model.text, contexts):
        return model.encode_tokens(tokens)


def placeholders(
    model: ZeroShotClip, number: int, words: str | None = None, key: str = "method.context"
) -> Tensor:
    """(C, L): the classes' names behind words, of which a context takes the first `number` tokens' place.

    Raises:
        InputError: a name does not fit into the text tower behind them; `key`: of their number.
    """
    before = words or " ".join(["X"] * number)
    texts = [model.prompt(name, f"{before} {{}}.") for name in model.classes]
    tokens = model.tokens(texts)
    length = tokens.shape[1]
    cut = model.are_cut(texts).tolist()
    if any(cut):
        what = f"method.words: '{words}'" if words else f"{key}: {number} tokens"
        raise InputError(
            f"{what} and the name '{model.classes[cut.index(True)]}' do not fit into the text tower's "
            f"{length}; give fewer"
        )
    return tokens


def check_context(model: ZeroShotClip, key: str, number: int, words: str | None = None) -> None:
    """InputError: no place for so many tokens before each name, or fewer in the words that they begin as."""
    if words is not None:
        given, empty = model.token_counts([words, ""]).tolist()
        known = given - empty
        if known < number:
            raise InputError(f"{key}: {number}, but method.words='{words}' is {known} token(s); give as many")
    placeholders(model, number, words, key)


class Prompted(Adapter):
    """Prompts in either tower or both; `head` tells domains from image embeddings, if a method trains one."""

    def __init__(
        self,
        visual: VisualPrompts | None = None,
        text: TextPrompts | None = None,
        head: nn.Module | None = None,
    ):
        super().__init__()
        self.visual, self.text, self.head = visual, text, head

    def on_images(self, visual: nn.Module) -> AbstractContextManager[object]:
        return self.visual.on(visual) if self.visual else nullcontext()

    def texts(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        return self.text.encode(model) if self.text else model.class_features()


class InstancePrompts(nn.Module):
    """InstaPG of ADU: a cross-attention block that makes prompts of an image from its patches.

    q = LN(P), k = v = LN(patches); u = LN(MHA(q, k, v) + q); P' = FFN(u) + u, its residuals taken after the
    norms. FFN: four times as wide, QuickGELU.
    """

    def __init__(self, width: int, heads: int, widening: int = 4):
        super().__init__()
        self.norm_prompts, self.norm_patches, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.widen, self.narrow = nn.Linear(width, widening * width), nn.Linear(widening * width, width)

    def forward(self, prompts: Tensor, patches: Tensor) -> Tensor:
        """(n, W) and (B, N, W) to (B, n, W)."""
        query = self.norm_prompts(prompts).expand(len(patches), -1, -1)
        keys = self.norm_patches(patches)
        u = self.norm(self.attention(query, keys, keys, need_weights=False)[0] + query)
        hidden = self.widen(u)
        return self.narrow(hidden * torch.sigmoid(1.702 * hidden)) + u


def check_depth(model: Any, key: str, depth: int, tower: str = "visual") -> None:
    """InputError: more blocks than the tower has."""
    blocks = len(getattr(model, tower).transformer.resblocks)
    if not 0 < depth <= blocks:
        raise InputError(
            f"{key}: {depth}, but the model's {tower} tower has {blocks} blocks; give 1 to {blocks}"
        )


def _joined(tokens: Tensor, prompts: Tensor) -> Tensor:
    return torch.cat([tokens, prompts.to(tokens.dtype).expand(len(tokens), -1, -1)], dim=1)
