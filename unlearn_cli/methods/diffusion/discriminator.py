"""DoCo's adversary: is a predicted clean latent of the concept or of the anchor?"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CONCEPT, ANCHOR = 1.0, 0.0  # labels, as in the release


class PatchDiscriminator(nn.Module):
    """A PatchGAN (Isola et al., CVPR 2017): latents (B, c, h, w) to logits of patches (B, 1, h', w').

    Each stage halves the size; the release has four, of 64, 128, 256 and 512 channels, for 64 x 64 latents.
    """

    def __init__(self, channels: int, width: int, stages: int):
        super().__init__()
        widths = [width * min(2**stage, 8) for stage in range(stages)]
        layers: list[nn.Module] = [nn.Conv2d(channels, widths[0], 4, 2, 1), nn.LeakyReLU(0.2)]
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.BatchNorm2d(after), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Adversary:
    """The discriminator and its optimiser, which step after each of the model's steps (a `Companion`).

    L_D = BCE(D(x̂_0 of the concept), 1) + BCE(D(x̂_0 of the anchor), 0), on the latents that the model's step
    saw. leak: the release does not clear what the model's own loss BCE(D(x̂_0 of the concept), 0) has left in
    D's gradients, so that D's step asks for either answer on the concept.
    """

    def __init__(self, network: nn.Module, lr: float, leak: bool):
        self.network = network.train()
        self.optimizer = torch.optim.Adam(network.parameters(), lr, betas=(0.5, 0.999))
        self.leak = leak
        self.steps = 0
        self.last_latents: tuple[Tensor, Tensor, bool] | None = None

    def loss(self, concept: Tensor, anchor: Tensor, rests: bool) -> Tensor:
        """What the model minimises, BCE(D(x̂_0 of the concept), 0); none to D. rests: no step follows."""
        self.last_latents = concept.detach(), anchor.detach(), rests
        self.network.requires_grad_(False)
        try:
            return cross_entropy_towards(self.network(concept), ANCHOR)
        finally:
            self.network.requires_grad_(True)

    def step(self) -> dict[str, Tensor]:
        """D's own step; gives its loss and how often it is right."""
        assert self.last_latents is not None
        concept, anchor, rested = self.last_latents
        on_concept, on_anchor = self.network(concept), self.network(anchor)
        loss = cross_entropy_towards(on_concept, CONCEPT) + cross_entropy_towards(on_anchor, ANCHOR)
        leaked = (
            cross_entropy_towards(on_concept, ANCHOR) if self.leak and not rested else torch.zeros_like(loss)
        )
        (loss + leaked).backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.steps += 1
        right = torch.cat([(on_concept > 0).flatten(), (on_anchor < 0).flatten()]).float().mean()
        return {"discriminator": loss.detach(), "discriminator_accuracy": right}

    def state_dict(self) -> dict[str, Any]:
        return {
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.steps = state["steps"]


def cross_entropy_towards(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of every patch's logit towards one label."""
    return F.binary_cross_entropy_with_logits(logits.float(), torch.full_like(logits, label).float())
