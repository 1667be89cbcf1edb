"""Small sparse autoencoders, and activations with a known dictionary."""

import recipes
import torch

from unlearn_cli.sae.autoencoder import Dictionary, SparseAutoencoder

ACTIVATIONS = ["topk", "batchtopk", "matryoshka", "relu", "jumprelu"]
TOPK = {"expansion": 2, "activation": "topk", "k": 3, "l1": 0.0, "dead_after": 1000}
ADAM = recipes.SGD | {
    "optimizer": "adam",
    "momentum": 0.0,
    "weight_decay": 0.0,
    "lr": 1e-2,
    "batch_size": 256,
}


def autoencoder(dimension=16, **changes):
    torch.manual_seed(0)
    return SparseAutoencoder(dimension, Dictionary(**TOPK | changes))


def planted(n, dimension=16, latents=32, active=2, seed=0):
    """n sums of `active` of the unit directions (latents, d), each 1 to 2 times; and the directions."""
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(latents, dimension, generator=generator)
    directions /= directions.norm(dim=1, keepdim=True)
    chosen = torch.rand(n, latents, generator=generator).topk(active).indices
    z = torch.zeros(n, latents).scatter(1, chosen, 1 + torch.rand(n, active, generator=generator))
    return z @ directions, directions


def hand_made(**changes):
    """d = 2, m = 4, z = relu of (x₁, x₂, −x₁, −x₂), each decoded along its own direction: x̂ = x."""
    sae = autoencoder(2, **{"activation": "relu", "k": 1} | changes)
    directions = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    with torch.no_grad():
        sae.encoder.weight.copy_(directions)
        sae.decoder.weight.copy_(directions.T)
    return sae.eval()
