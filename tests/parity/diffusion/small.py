"""A small text-to-image model whose training a test repeats by itself.

Of the package it takes the networks and what runs a method. What a test computes, noising, sampling, guidance
and losses, stands on torch.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from recipes import SGD
from tiny_text import CAPTIONS, TinyText
from torch import Tensor, nn

RECIPE = SGD | {"epochs": 2, "lr": 0.13, "batch_size": 4, "momentum": 0.7, "weight_decay": 0.03}
WEIGHT = 0.7
SAMPLER = {"steps": 3, "eta": 0.0, "guidance": WEIGHT, "batch_size": 4, "seed": 0}
LAST = 60
"""Timesteps of the process."""
KEYS_AND_VALUES = r"attn2\.to_(k|v)"
Loss = Callable[[nn.Module, Tensor, int], Tensor]
"""(model, rows, number of the step) -> the scalar whose gradient a step follows."""


class Small(TinyText):
    """Rows 0, 1, 4, 5 are forgotten ("dotted"), each with the anchor ("plain") two rows on."""

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.steps: list[Tensor] = []
        """The rows of each step that a method has made."""
        self.pixels = torch.from_numpy(
            np.random.default_rng(0).integers(0, 256, (8, 3, 8, 8), dtype=np.uint8)
        )
        """As the problem draws them."""
        self.passes = [0, 0]
        """Of samples, forward and backward, beside those that every training counts."""
        prepared, count_more = self.trainer._for_step, self.trainer.count_more

        def noted(*arguments):
            batch, weight = prepared(*arguments)
            self.steps.append(batch.index)
            return batch, weight

        def counted(samples: int, forwards: int = 0, backwards: int = 0) -> None:
            self.passes[0] += samples * forwards
            self.passes[1] += samples * backwards
            count_more(samples, forwards, backwards)

        self.trainer._for_step, self.trainer.count_more = noted, counted

    def unlearned(self, method, label_drop: float = 0.1) -> nn.Module:
        """What the method makes of the small model."""
        return method.unlearn(self.task, self.model(label_drop=label_drop), self.sets, self.trainer)

    def trained(
        self, model: nn.Module, names: Sequence[str], loss: Loss, clip: float | None = None
    ) -> nn.Module:
        """The method's steps once more, each with the seed that its step had."""
        parameters = [model.get_parameter(name) for name in names]
        optimizer = sgd(parameters)
        for number, rows in enumerate(self.steps):
            self.trainer.seeded("unlearn", number)
            gradients = torch.autograd.grad(loss(model, rows, number), parameters, materialize_grads=True)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            if clip:
                nn.utils.clip_grad_norm_(parameters, clip)
            optimizer.step()
        return model

    def images(self, rows: Tensor) -> Tensor:
        return self.pixels[rows].float() / 255

    def noised(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """z_t, t and the noise, from latents that are blocks of pixels; half of the t mirror the others."""
        mean = F.pixel_unshuffle(2 * self.images(rows) - 1, 2)
        z = mean + torch.exp(torch.tensor(-15.0)) * torch.randn(mean.shape)
        half = torch.randint(LAST, ((len(z) + 1) // 2,))
        t = torch.cat([half, LAST - 1 - half])[: len(z)]
        noise = torch.randn(z.shape)
        signal, spread = levels(t)
        return signal * z + spread * noise, t, noise


def is_forgotten(rows: Tensor) -> Tensor:
    return rows % 4 < 2


def captions(rows: Tensor) -> list[str]:
    return [CAPTIONS[row % 4] for row in rows.tolist()]


def anchors(rows: Tensor) -> Tensor:
    return rows + 2


def sgd(parameters: Sequence[Tensor], rate: float = RECIPE["lr"]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, rate, momentum=0.7, weight_decay=0.03)


def levels(t: Tensor) -> tuple[Tensor, Tensor]:
    """√ᾱ and √(1 − ᾱ) of linear betas, for states (B, c, h, w)."""
    kept = (1 - torch.linspace(1e-4, 0.02, LAST)).cumprod(0)[t].view(-1, 1, 1, 1)
    return kept.sqrt(), (1 - kept).sqrt()


def tokens(model: nn.Module, texts: Sequence[str]) -> Tensor:
    """(B, L) ids."""
    found = model.shared.tokenizer(list(texts), padding="max_length", truncation=True, return_tensors="pt")
    return found.input_ids


def embedded(model: nn.Module, texts: Sequence[str]) -> Tensor:
    """(B, L, D): what the text encoder makes of the texts."""
    return model.text_encoder(tokens(model, texts)).last_hidden_state


def embedded_soft(model: nn.Module, inputs: Tensor) -> Tensor:
    """As `embedded`, of embeddings (B, L, D) in the place of tokens': the encoder's layers by hand."""
    encoder = model.text_encoder
    encoder = getattr(encoder, "text_model", encoder)
    places = encoder.embeddings.position_embedding.weight[: inputs.shape[1]]
    length = inputs.shape[1]
    causal = torch.full((length, length), float("-inf")).triu(1)[None, None].expand(len(inputs), 1, -1, -1)
    hidden = inputs + places
    for layer in encoder.encoder.layers:
        found = layer(hidden, attention_mask=causal)
        hidden = found[0] if isinstance(found, tuple) else found
    return encoder.final_layer_norm(hidden)


def predicted(model: nn.Module, x: Tensor, t: Tensor, texts: Sequence[str] | Tensor) -> Tensor:
    """ε(x_t, t, c) for texts or their embeddings."""
    c = texts if isinstance(texts, Tensor) else embedded(model, texts)
    return model.unet(x, t, encoder_hidden_states=c).sample


@torch.no_grad()
def underway(model: nn.Module, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
    """x_t and t: DDIM with guidance from noise to a random one of three steps."""
    step = int(torch.randint(3, ()))
    x = torch.randn(len(texts), 12, 4, 4)
    nothing = [""] * len(texts)
    for t in (59, 39, 19)[:step]:
        at = torch.full((len(texts),), t)
        conditional, free = predicted(model, x, at, texts), predicted(model, x, at, nothing)
        noise = (1 + WEIGHT) * conditional - WEIGHT * free
        (signal, spread), (next_signal, next_spread) = levels(at), levels(at - 20)
        x = next_signal * (x - spread * noise) / signal + next_spread * noise
    return x, torch.full((len(texts),), (59, 39, 19)[step])


def assert_same(found: nn.Module, expected: nn.Module, start: nn.Module) -> None:
    """Equal at 1e-5, and so are the steps, at 1e-3 of their length: an error of a percent is seen."""
    before, after = dict(start.named_parameters()), dict(found.named_parameters())
    way, error = [], []
    for name, parameter in expected.named_parameters():
        torch.testing.assert_close(after[name], parameter, atol=1e-5, rtol=1e-5)
        way.append((parameter - before[name]).flatten())
        error.append((parameter - after[name]).flatten())
    length = torch.cat(way).norm()
    assert length > 1e-3
    assert torch.cat(error).norm() < 1e-3 * length


def trained_names(model: nn.Module, part: str) -> list[str]:
    """Of the parameters whose names hold it."""
    return [name for name, _ in model.named_parameters() if part in name]
