"""Lip: what is forgotten is smoothed away, on synthetic images and on texts."""

from collections import defaultdict
from typing import Any, ClassVar, cast

import torch
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.clip.forgotten_texts import DomainText, forgotten_texts
from unlearn_cli.models.capabilities import ZeroShot
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.runtime.stopping import stop, stop_requested
from unlearn_cli.tasks.verbs.clip import Embeds
from unlearn_cli.training.step import total
from unlearn_cli.training.trainer import Trainer


class Lipschitz(GradientMethod):
    """min_θ E_ε[‖g(x) − g(x + ε)‖ / ‖ε‖] + w·the same of texts (Kravets & Namboodiri, WACV 2025).

    g(x): embeddings of synthetic images x, which gradient ascent on the logit of a forgotten text has made
    from noise; a text is perturbed by noise on its token embeddings. Only the layers with the largest mean
    |gradient| at the start are trained, until the synthetic images are no longer recognised. No real image is
    used: the forget rows only set how many steps an epoch has.

    The texts are those of the forgotten classes. Of a forgotten domain they name it, with every class; its
    name is that value of a column of the data which most of the domain's rows have (forgotten_texts.py).
    """

    needs: ClassVar[type] = Embeds
    needs_model: ClassVar[type] = ZeroShot
    sides: ClassVar[tuple[str, ...] | None] = None

    images: int = Field(gt=0, description="synthetic images of each text")
    ascent_steps: int = Field(gt=0, description="steps of Adam on the pixels of a synthetic image")
    ascent_lr: float = Field(gt=0, description="learning rate of that; pixels are in [0, 1]")
    noise: float = Field(gt=0, description="deviation of ε of an image's pixels")
    token_noise: float = Field(gt=0, description="deviation of ε of a text's token embeddings")
    draws: int = Field(gt=0, description="ε for each image and text in a step")
    text_weight: float = Field(ge=0, description="w, weight of the texts")
    layers: int = Field(gt=0, description="layers that train; a layer has the parameters of one module")
    threshold: float = Field(
        ge=0, le=1, description="ends once fewer of the synthetic images are recognised; asked each epoch"
    )
    domain_text: DomainText = Field(description="a text that names a domain, {domain}, and a class, {label}")

    def check(self, task: Embeds, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        forgotten_texts(model, data, sets, self.domain_text)
        if self.layers > (number := len(by_layer(self.trained_names(model)))):
            raise InputError(f"method.layers: {self.layers} is too many, {number} may be trained")

    def unlearn(self, task: Embeds, model: ZeroShotClip, sets: Sets, trainer: Trainer) -> nn.Module:
        texts = forgotten_texts(model, trainer.data, sets, self.domain_text)
        tokens = model.tokens(texts.forget)
        labels = torch.from_numpy(texts.labels).to(trainer.device).repeat_interleave(self.images)
        images = self.synthesised(model.eval(), model.text_features(texts.forget), trainer)

        def objective(called: nn.Module, batch: Batch) -> dict[str, Tensor]:
            drawn = torch.randint(len(images), (len(batch),)).to(trainer.device)
            return self.ratios(cast(ZeroShotClip, called), images[drawn], tokens)

        def forgotten(row: dict[str, Any]) -> bool:
            return self.recognised(model, images, labels, trainer) < self.threshold

        names = self.largest(model, images, tokens, trainer)
        feed = shuffled(sets.forget)
        return trainer.fit(model, feed, objective, self, parameters=names, until=forgotten)

    def synthesised(self, model: ZeroShotClip, texts: Tensor, trainer: Trainer) -> Tensor:
        """(n · images, 3, H, W) in [0, 1]: `images` for each text (n, E), of high cosine with it."""
        trainer.seeded("synthesis")
        targets = texts.repeat_interleave(self.images, dim=0)
        shape = (len(targets), trainer.data.channels, *trainer.data.size)
        made = torch.rand(shape).to(trainer.device)
        for part, target in zip(made.split(self.batch_size), targets.split(self.batch_size), strict=True):
            x = part.clone().requires_grad_()
            optimizer = torch.optim.Adam([x], self.ascent_lr, maximize=True)
            for _ in range(self.ascent_steps):
                if stop_requested() and trainer.compute.world == 1:
                    stop("in the synthesis of images")
                (x.grad,) = torch.autograd.grad((model.image_features(x) * target).sum(), x)
                optimizer.step()
                with torch.no_grad():
                    x.clamp_(0, 1)
            part.copy_(x.detach())
        trainer.count_passes(len(made) * self.ascent_steps, len(made) * self.ascent_steps)
        return made

    def ratios(self, model: ZeroShotClip, images: Tensor, tokens: Tensor) -> dict[str, Tensor]:
        """E_ε[‖g − g_ε‖ / ‖ε‖] of images (B, 3, H, W) and of texts (n, L), that of the texts weighed."""
        images, tokens = (part.repeat_interleave(self.draws, dim=0) for part in (images, tokens))
        noise = self.noise * torch.randn(images.shape).to(images.device)
        seen = ratio(model.image_features(images), model.image_features(images + noise), noise)
        shape = (*tokens.shape, model.text.token_embedding.embedding_dim)
        noise = self.token_noise * torch.randn(shape).to(images.device)
        read = ratio(model.encode_tokens(tokens), perturbed(model, tokens, noise), noise)
        return {"forget": seen, "forget_texts": self.text_weight * read}

    def largest(self, model: ZeroShotClip, images: Tensor, tokens: Tensor, trainer: Trainer) -> list[str]:
        """Names of the parameters of the layers with the largest mean |gradient| of the two ratios."""
        trainer.seeded("layers")
        named = {name: model.get_parameter(name) for name in self.trained_names(model)}
        slopes = {name: torch.zeros_like(p) for name, p in named.items()}
        for part in images.split(self.batch_size):
            loss = total(self.ratios(model, part, tokens))
            found = torch.autograd.grad(loss, list(named.values()), materialize_grads=True)
            for slope, more in zip(slopes.values(), found, strict=True):
                slope += more * len(part) / len(images)
        trainer.count_passes(2 * len(images) * self.draws, 2 * len(images) * self.draws)
        layers = by_layer(named)
        means = {
            layer: torch.cat([slopes[name].abs().flatten() for name in names]).mean()
            for layer, names in layers.items()
        }
        chosen = sorted(means, key=lambda layer: float(means[layer]), reverse=True)[: self.layers]
        return [name for layer in chosen for name in layers[layer]]

    @torch.no_grad()
    def recognised(self, model: ZeroShotClip, images: Tensor, labels: Tensor, trainer: Trainer) -> float:
        """Share of the synthetic images (n, 3, H, W) that are taken for their class (n,)."""
        trainer.count_passes(len(images), 0)
        found = [model(part).argmax(1) for part in images.split(self.batch_size)]
        return float((torch.cat(found) == labels).float().mean())


def ratio(outputs: Tensor, moved: Tensor, noise: Tensor) -> Tensor:
    """Mean of ‖g − g_ε‖ / ‖ε‖ over embeddings (B, E) and noise (B, …)."""
    return ((outputs - moved).norm(dim=1) / noise.flatten(1).norm(dim=1)).mean()


def perturbed(model: ZeroShotClip, tokens: Tensor, noise: Tensor) -> Tensor:
    """(n, E): embeddings of texts (n, L) with noise (n, L, W) on those of their tokens."""
    with model.text.token_embedding.register_forward_hook(lambda _, __, found: found + noise):
        return model.encode_tokens(tokens)


def by_layer(names: Any) -> dict[str, list[str]]:
    """Parameters' names by the module that holds them."""
    layers: dict[str, list[str]] = defaultdict(list)
    for name in names:
        layers[name.rpartition(".")[0]].append(name)
    return layers
