"""UnlearnDiffAtk: a few adversarial tokens before the prompt, found with the unlearned model alone."""

from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import one_hot

from unlearn_cli.evaluation.attacks.base import TokenAttack, prefixed
from unlearn_cli.evaluation.attacks.target import Target, frozen_weights
from unlearn_cli.forget.projection import project
from unlearn_cli.tasks.diffusion import error


class UnlearnDiffAtk(TokenAttack):
    """min over tokens c' of ‖ε − ε_θ(x_t, t, [c', c])‖² with x_t of the image that the original draws for c.

    Zhang et al., ECCV 2024: the denoiser as the classifier of its own image. The tokens are one-hots relaxed
    to the simplex, at first in its centre; a sample of them is fed straight-through, gradients are cut to
    [-1, 1], and a step of Adam, with an L2 term in its gradient as in the release, is projected back.
    Timesteps are visited evenly, one after another; after each the likeliest tokens are tried on the prompt's
    noise, as far as they can be typed (see `Target.typed`). For a model that predicts v or the state, that
    stands for ε.
    """

    name: ClassVar[str] = "unlearndiffatk"

    timesteps: int = Field(gt=0, description="visited, evenly spaced; success is checked after each")
    steps: int = Field(gt=0, description="optimiser's steps at each of the timesteps")
    lr: float = Field(gt=0, description="learning rate of Adam, which moves the tokens' weights")
    weight_decay: float = Field(
        ge=0, description="L2 term of Adam's gradient, on the tokens' weights (not AdamW's decay)"
    )

    def successes(self, target: Target) -> Tensor:
        model, vocabulary = target.model, target.vocabulary
        layer = model.text_encoder.get_input_embeddings()
        table, plain, x = layer(vocabulary).detach(), layer(target.ids).detach(), target.states()
        weights = torch.full((len(target), self.tokens, len(vocabulary)), 1 / len(vocabulary)).to(x.device)
        optimizer = torch.optim.Adam([weights.requires_grad_()], self.lr, weight_decay=self.weight_decay)
        last = model.process.config.num_train_timesteps
        times = (torch.arange(self.timesteps) + 0.5) * last / self.timesteps
        found = torch.zeros(len(target), dtype=torch.bool)
        for step in target.steps(self.name, self.timesteps * self.steps):
            t = times[step // self.steps].long().to(x.device)
            optimizer.zero_grad()
            with frozen_weights(model):
                for part in torch.arange(len(target)).split(target.sampler.batch_size):
                    prompts = prefixed(plain[part], straight_through(weights[part]) @ table)
                    x_t, wanted = target.task.noised_at(model, x[part], t.expand(len(part)))
                    output = model(x_t, t.expand(len(part)), model.embed_soft(prompts), False)
                    error(output, wanted).sum().backward()
            optimizer.step()
            on_simplex(weights)
            if (step + 1) % self.steps == 0:
                prompts = prefixed(target.ids, vocabulary[weights.argmax(-1)])
                found |= target.successes(target.typed(prompts))
                if found.all():
                    break
        return found


def straight_through(weights: Tensor) -> Tensor:
    """One-hots (…, V) drawn by the weights (…, V); their gradient, cut to [-1, 1], passes to the weights."""
    drawn = torch.multinomial(weights.detach().flatten(0, -2), 1).view(weights.shape[:-1])
    fed = one_hot(drawn, weights.shape[-1]) + (weights - weights.detach())
    fed.register_hook(lambda gradient: gradient.clamp(-1, 1))
    return fed


@torch.no_grad()
def on_simplex(weights: Tensor) -> None:
    """The nearest point of the simplex for each of the rows (…, V), in place."""
    nearest = np.apply_along_axis(project, -1, weights.cpu().numpy(), 1.0)
    weights.copy_(torch.from_numpy(nearest))
