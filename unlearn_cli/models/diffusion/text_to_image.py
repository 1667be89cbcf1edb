"""A latent text-to-image model: the parts of a Stable Diffusion pipeline, its prompts known by number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from diffusers.utils import logging as diffusers_logging
from torch import Tensor
from transformers.utils import logging as transformers_logging

from unlearn_cli.data.batch import Batch
from unlearn_cli.models.capabilities import WithGuidedPrompts
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.prompt_tokens import PromptTokens
from unlearn_cli.models.diffusion.unshuffle import PixelUnshuffle, add_code
from unlearn_cli.models.memory import Memory

DECODED = 8  # images through the autoencoder's decoder at once


class TextToImage(Denoiser):
    """A condition is the number of a prompt (B,) int64, its token ids (B, L), or an embedding (B, L, D).

    States are latents. `unet` and `text_encoder` are what a method may change and what is saved; the
    autoencoder and the tokenizer are shared with every copy. `prompts` are those known so far, the last of
    the model's own being the empty one, `null`; `number` adds others.
    """

    def __init__(
        self,
        unet: Any,
        text_encoder: Any,
        vae: Any,
        tokenizer: Any,
        process: Any,
        prompts: Sequence[str],
        label_drop: float,
    ):
        super().__init__(process, null=len(prompts), label_drop=label_drop)
        self.unet = unet
        self.text_encoder = text_encoder
        self.departed: frozenset[str] = (
            frozenset()
        )  # parameters in which it is no longer its pipeline (a delta)
        self.shared = Shared(vae, tokenizer)
        self.embedded = Memory()
        """By prompt: its embedding, by the text encoder's weights."""
        self.number([*prompts, ""])

    @property
    def prompts(self) -> list[str]:
        return self.shared.prompts

    def number(self, prompts: Sequence[str]) -> Tensor:
        """(n,) int64: the numbers of the prompts; new ones are added."""
        return self.shared.number(prompts)

    def predict(self, x: Tensor, t: Tensor, conditioning: Tensor) -> Tensor:
        return self.unet(x, t, encoder_hidden_states=conditioning).sample

    def conditioning(self, condition: Tensor) -> Tensor:
        """(B, L, D). A prompt is embedded once in a batch, and once for all while the text encoder rests."""
        if condition.is_floating_point():
            return condition
        found, places = condition.unique(dim=0, return_inverse=True)
        if condition.ndim == 2:
            return self.text_encoder(found).last_hidden_state[places]
        learns = torch.is_grad_enabled() and any(p.requires_grad for p in self.text_encoder.parameters())
        return (self._embed(found) if learns else self._remembered(found))[places]

    def _embed(self, numbers: Tensor) -> Tensor:
        ids = self.shared.ids[numbers.cpu()].to(numbers.device)
        return self.text_encoder(ids).last_hidden_state

    def _remembered(self, numbers: Tensor) -> Tensor:
        """The embeddings of these prompts, each computed once for the text encoder's present weights."""
        known = self.embedded.of(self.text_encoder.parameters())
        rows = numbers.tolist()
        if new := [row for row in rows if row not in known]:
            with torch.no_grad():  # one by one: what is remembered must not depend on its neighbours
                made = [self._embed(torch.tensor([row], device=numbers.device))[0] for row in new]
            known |= dict(zip(new, made, strict=True))
        return torch.stack([known[row] for row in rows]).to(numbers.device)

    def embed_soft(self, tokens: Tensor) -> Tensor:
        """(B, L, D) of token embeddings (B, L, D) that need not be any token's (attacks).

        The first is that of the start and the last ones those of the end, as in a tokenized prompt.
        """
        layer = self.text_encoder.get_input_embeddings()
        with layer.register_forward_hook(lambda *_: tokens):
            ids = torch.zeros(tokens.shape[:2], dtype=torch.long, device=tokens.device)
            return self.text_encoder(ids).last_hidden_state

    def encode(self, batch: Batch) -> Tensor:
        """Latents, drawn anew from the autoencoder's posterior, which is computed once for each row."""
        vae = self.shared.vae
        moments = self.shared.moments_of(batch)
        drawn = DiagonalGaussianDistribution(moments)
        noise = torch.randn(drawn.mean.shape).to(drawn.mean.device)
        return (drawn.mean + drawn.std * noise) * vae.config.scaling_factor

    @torch.no_grad()
    def decode(self, x: Tensor) -> Tensor:
        vae = self.shared.vae
        latents = x / vae.config.scaling_factor
        images = torch.cat([vae.decode(part.to(vae.dtype)).sample for part in latents.split(DECODED)])
        return super().decode(images.float())

    def state_shape(self, channels: int, size: tuple[int, int]) -> tuple[int, int, int]:
        config = self.shared.vae.config
        factor = 2 ** (len(config.block_out_channels) - 1)
        return (config.latent_channels, size[0] // factor, size[1] // factor)

    def pipeline(self) -> StableDiffusionPipeline:
        """An ordinary pipeline of diffusers, made of these very parts."""
        return StableDiffusionPipeline(
            vae=self.shared.vae,
            text_encoder=self.text_encoder,
            tokenizer=self.shared.tokenizer,
            unet=self.unet,
            scheduler=self.process,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )

    def export(self, folder: Path) -> None:
        """Write pipeline/ as diffusers does, for `DiffusionPipeline.from_pretrained`."""
        diffusers_logging.disable_progress_bar()
        transformers_logging.disable_progress_bar()
        pipeline: Any = self.pipeline()
        pipeline.save_pretrained(folder / "pipeline")
        if isinstance(self.shared.vae, PixelUnshuffle):
            add_code(folder / "pipeline")

    def to(self, *args: Any, **kwargs: Any) -> TextToImage:
        self.shared.vae.to(*args, **kwargs)
        return super().to(*args, **kwargs)


class Shared(PromptTokens):
    """What no method changes, so that copies of a model hold it together."""

    def __init__(self, vae: Any, tokenizer: Any):
        super().__init__(tokenizer)
        self.vae = vae.eval().requires_grad_(False)
        self.moments: dict[int, Tensor] = {}
        """By row of the data: the autoencoder's posterior, (2c, h, w)."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
        return self

    @torch.no_grad()
    def moments_of(self, batch: Batch) -> Tensor:
        """(B, 2c, h, w). Rows that are not of the data have the index −1 and are not remembered."""
        rows = batch.index.tolist()
        new = [place for place, row in enumerate(rows) if row < 0 or row not in self.moments]
        found: dict[int, Tensor] = {}
        if new:
            with torch.autocast(batch.x.device.type, enabled=False):  # fp16 overflows in Stable Diffusion's
                images = (2 * batch.x[new] - 1).to(self.vae.dtype)
                parts = [self.vae.encode(part).latent_dist.parameters for part in images.split(1)]
            found = dict(zip(new, torch.cat(parts), strict=True))
            self.moments |= {rows[place]: one for place, one in found.items() if rows[place] >= 0}
        return torch.stack(
            [found[place] if place in found else self.moments[row] for place, row in enumerate(rows)]
        )


_: type[WithGuidedPrompts] = TextToImage  # what it claims, mypy verifies
