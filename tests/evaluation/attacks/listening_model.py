"""A model whose way in is known: one token's embedding brightens what it draws."""

from types import SimpleNamespace

import torch
from diffusers import DDIMScheduler
from recipes import PLAIN
from torch import nn

from unlearn_cli.data.substitution import Substitution
from unlearn_cli.evaluation.attacks.cce import CCE, Budget
from unlearn_cli.evaluation.attacks.p4d import P4D
from unlearn_cli.evaluation.attacks.relearn import Relearn
from unlearn_cli.evaluation.attacks.ring_a_bell import RingABell
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.evaluation.attacks.unlearndiffatk import UnlearnDiffAtk
from unlearn_cli.models.diffusion.sampling import Sampler
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer
from unlearn_cli.models.diffusion.unshuffle import PixelUnshuffle
from unlearn_cli.training.optim import Recipe

PROMPTS = ["a red dot", "a red line", "a blue dot", "a blue line"]
RED = Substitution("red", "blue", "object")
LENGTH = 6
SECRET = "q</w>"  # the token that the erased model still listens to
SAMPLER = Sampler(steps=2, eta=0.0, guidance=0.0, batch_size=3, seed=0)
ATTACKS = {
    "unlearndiffatk": UnlearnDiffAtk(tokens=1, timesteps=4, steps=5, lr=0.2, weight_decay=0.1),
    "p4d": P4D(tokens=1, steps=30, looks=3, lr=0.2, weight_decay=0.1),
    "ring_a_bell": RingABell(tokens=3, eta=2.0, population=200, generations=150, mutation=0.9),
    "cce": CCE(
        images=3,
        budget="quick",
        release=Budget(steps=9999, batch_size=1, lr=9.0),
        quick=Budget(steps=100, batch_size=4, lr=0.1),
        weight_decay=0.0,
    ),
    "relearn": Relearn(samples=3, recipe=Recipe(**PLAIN | {"epochs": 15, "lr": 0.02})),
}


class Encoder(nn.Module):
    """The embedding of a token, one coordinate for each, is its hidden state."""

    def __init__(self, tokens: int):
        super().__init__()
        self.layer = nn.Embedding.from_pretrained(torch.eye(tokens), freeze=False)

    def get_input_embeddings(self) -> nn.Module:
        return self.layer

    def forward(self, ids: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=self.layer(ids))


class Bright(nn.Module):
    """x̂_0 is everywhere how much of the token is in the prompt."""

    def __init__(self, token: int, tokens: int):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(tokens)[token])

    def forward(self, x, t, encoder_hidden_states):
        bright = (encoder_hidden_states @ self.weight).sum(1)
        return SimpleNamespace(sample=bright.view(-1, 1, 1, 1).expand(x.shape))


def listening_to(word: str) -> TextToImage:
    """Draws white if the prompt has this token, else grey."""
    tokenizer = trained_tokenizer(PROMPTS, LENGTH)
    process = DDIMScheduler(num_train_timesteps=10, prediction_type="sample", clip_sample=False)
    count = len(tokenizer)
    unet = Bright(tokenizer.convert_tokens_to_ids(word), count)
    vae = PixelUnshuffle(block_out_channels=(4, 4), latent_channels=4)
    return TextToImage(unet, Encoder(count), vae, tokenizer, process, PROMPTS, label_drop=0.0).eval()


def token(target: Target, word: str) -> int:
    return target.model.shared.tokenizer.convert_tokens_to_ids(word)
