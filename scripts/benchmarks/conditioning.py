"""What of a prompt the tiny text-to-image model needs to draw a texture: limits of ESD and FMN there.

1. What the original draws where no texture is asked for.
2. What ESD pushes away for each unit of η, ε(x_t, t, "dotted") − ε(x_t, t, ∅), beside what makes a background
   dotted, ε(x_t, t, c) − ε(x_t, t, c with plain for dotted).
3. What FMN's aim comes to where it is reached: the original draws with no attention to the concept's tokens,
   in all layers; what the others have of it is scaled to 1.

Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.conditioning OUTPUTS [SEED]
"""

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any

import numpy as np
import torch
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor

from unlearn_cli.config.composing import composed, hydra_of_our_own
from unlearn_cli.experiment import read
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.storage.store import Store

SEED, STEPS, EACH = 1000, 10, 24
SCENES = list(product(("red", "green", "blue"), ("circle", "square", "triangle", "cross")))
TEMPLATES = (
    "a {} {} on a {texture} background",
    "a {texture} background with a {} {}",
    "one {} {} in front of a {texture} wall",
)


class Lab:
    """The original model of a seed and the judge of textures."""

    def __init__(self, outputs: str, seed: str):
        chosen = ("task=text_to_image", "oracle=false", f"seed={seed}", f"paths.outputs={outputs}")
        with hydra_of_our_own():
            experiment = read(*composed(chosen))
        compute = experiment.compute()
        self.origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
        self.model: Any = self.origins.get(Original()).model.eval()
        self.sampler = experiment.eval.sampler.model_copy(update={"steps": STEPS})

    def textures(self, prompts: list[str]) -> np.ndarray:
        """What the judge sees in an image of each prompt, from the noise of SEED."""
        judge = self.origins.experiment.eval
        images = (self.drawn(prompts) * 255).round().to(torch.uint8).cpu()
        names = np.unique(self.origins.data.columns["texture"].astype(str))
        return names[judge.judge_images(self.origins, images)["texture"].argmax(1).numpy()]

    def drawn(self, prompts: list[str], stop_at: int | None = None) -> Tensor:
        """Images in [0, 1], or the states after so many steps."""
        torch.manual_seed(SEED)
        noise = torch.randn(len(prompts), *self.model.state_shape(3, self.origins.data.size))
        return self.sampler.sample(
            self.model, noise, self.model.number(prompts), self.origins.compute, stop_at
        )

    @torch.no_grad()
    def predicted(self, x: Tensor, prompts: list[str]) -> Tensor:
        return self.model(x, self.t.expand(len(x)), self.model.number(prompts))

    def differences(self, step: int) -> tuple[float, float, float]:
        """RMS of the texture's part of the prediction and of ESD's push, and the cosine of the two."""
        dotted, plain = scenes(TEMPLATES[0], "dotted"), scenes(TEMPLATES[0], "plain")
        x, self.t = self.drawn(dotted, step), self.model.process.timesteps[step]
        texture = self.predicted(x, dotted) - self.predicted(x, plain)
        push = self.predicted(x, ["dotted"] * len(x)) - self.predicted(x, [""] * len(x))
        cosine = torch.cosine_similarity(texture.flatten(), push.flatten(), 0)
        return float(texture.square().mean().sqrt()), float(push.square().mean().sqrt()), float(cosine)

    @contextmanager
    def hidden(self, where: Tensor) -> Iterator[None]:
        """No attention to the tokens `where` (n, L) of n prompts; half a guided batch is without any."""
        both = torch.cat([where, torch.zeros_like(where)])[:, None, None]
        layers = [module for name, module in self.model.named_modules() if name.endswith("attn2")]
        before = [layer.processor for layer in layers]

        def blinded(scores: Any) -> Any:
            def probabilities(*inputs: Any) -> Tensor:
                given = scores(*inputs)
                kept = given.view(len(both), -1, *given.shape[1:]).masked_fill(both, 0)
                return (kept / kept.sum(-1, keepdim=True)).flatten(0, 1)

            return probabilities

        for layer in layers:
            layer.set_processor(AttnProcessor())
            layer.get_attention_scores = blinded(layer.get_attention_scores)
        try:
            yield
        finally:
            for layer, processor in zip(layers, before, strict=True):
                layer.set_processor(processor)
                del layer.get_attention_scores


def scenes(template: str, texture: str) -> list[str]:
    return [template.format(*scene, texture=texture) for scene in SCENES]


def tokens(lab: Lab, prompts: list[str], word: str) -> dict[str, Tensor]:
    """(n, L) bool each: tokens to hide."""
    shared, numbers = lab.model.shared, lab.model.number(prompts)
    words, ends = shared.positions(numbers, word), shared.ends(numbers)
    onwards = words.cumsum(1) > 0
    return {"nothing": words & False, "words": words, "words and ends": words | ends, "onwards": onwards}


def main(outputs: str, seed: str = "0") -> None:
    lab = Lab(outputs, seed)
    for prompt in ("", "dotted", "a red circle"):
        print(f"drawn for '{prompt}': {dict(Counter(lab.textures([prompt] * EACH).tolist()))}", flush=True)
    for step in range(0, STEPS, 3):
        texture, push, cosine = lab.differences(step)
        print(f"t = {int(lab.t)}: texture {texture:.3f}, push {push:.3f}, cosine {cosine:.2f}", flush=True)
    for texture, template in product(("dotted", "plain", "striped"), TEMPLATES):
        prompts = scenes(template, texture)
        for name, where in tokens(lab, prompts, texture).items():
            with lab.hidden(where):
                seen = dict(Counter(lab.textures(prompts).tolist()))
            print(f"{template.format('…', '…', texture=texture)}, {name} hidden: {seen}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
