"""All of it together: a planted concept is found by its scores, and taken out of the activations."""

import pytest
import torch
from sae_parts import ADAM, autoencoder, planted

from unlearn_cli.runtime.compute import Compute
from unlearn_cli.sae.edit import Edit, SparseEdit
from unlearn_cli.sae.scores import Tally, scores
from unlearn_cli.sae.training import train_autoencoder
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A trained autoencoder; activations with the concept and without; the concept's direction."""
    x, directions = planted(4096, latents=12)
    concept = directions[3]
    forget, other = x[:400] + 1.5 * concept, x[400:]
    trainer = Trainer(None, None, Compute("cpu", "fp32", False, False), 0, tmp_path_factory.mktemp("sae"))
    sae = autoencoder(k=3)
    recipe = Recipe(**ADAM | {"epochs": 25, "schedule": "cosine"})
    train_autoencoder(sae, torch.cat([forget, other]), recipe, trainer)
    return sae, forget, other, concept


def tallied(sae, x):
    made = Tally(sae.latents, torch.device("cpu"), histogram=True)
    for part in x.split(500):
        made.update(sae.encode(part))
    return made


@pytest.mark.parametrize("kind", ["mean", "diff", "prop_diff", "ratio", "freq_diff", "auroc"])
def test_the_best_latent_is_the_concepts(world, kind):
    sae, forget, other, concept = world
    best = scores(kind, tallied(sae, forget), tallied(sae, other)).argmax()
    assert sae.decoder.weight[:, best] @ concept > 0.9


def test_the_edit_takes_the_concept_out_and_leaves_the_rest(world):
    sae, forget, other, concept = world
    found, rest = tallied(sae, forget), tallied(sae, other)
    best = scores("diff", found, rest)
    selected = best == best.max()
    ablating = SparseEdit(sae, Edit(selected, 0.0, rest.mean))
    negating = SparseEdit(sae, Edit(selected, -found.mean, rest.mean))

    def along(x):
        return (x @ concept).mean().item()

    ablated, negated = forget + ablating(forget[None])[0], forget + negating(forget[None])[0]
    # 1.5 everywhere, and as much again on average where the concept was among the two of twelve
    assert along(forget) - along(ablated) == pytest.approx(1.5 + 1.5 * 2 / 12, abs=0.2)
    assert along(negated) < along(ablated)
    untouched = sae.encode(other)[:, selected[0]].squeeze(1) <= rest.mean[selected]
    assert untouched.float().mean().item() == pytest.approx(10 / 12, abs=0.03)
    assert not ablating(other[None])[0][untouched].any()
