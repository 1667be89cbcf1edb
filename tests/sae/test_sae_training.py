"""The autoencoder in the one training loop: it finds a planted dictionary, resumes, keeps unit norms."""

import numpy as np
import pytest
import torch
from sae_parts import ACTIVATIONS, ADAM, autoencoder, hand_made, planted

from unlearn_cli.sae import autoencoder as autoencoder_module
from unlearn_cli.sae.training import quality, train_autoencoder
from unlearn_cli.training.optim import Recipe
from unlearn_cli.training.trainer import Trainer


@pytest.fixture
def trainer(toy, compute, tmp_path):
    return Trainer(toy, np.zeros(40, bool), compute, 0, tmp_path)


WEIGHTS = {"relu": 1.0, "jumprelu": 0.1}


def recipe(**changes):
    return Recipe(**ADAM | changes)


@pytest.mark.parametrize(
    "activation",
    [
        pytest.param(kind, marks=[pytest.mark.thorough] if kind in ("topk", "matryoshka") else [])
        for kind in ACTIVATIONS
    ],
)
def test_a_planted_dictionary_is_found(trainer, activation):
    x, directions = planted(8192)
    sae = autoencoder(activation=activation, k=2, l1=WEIGHTS.get(activation, 0.0))

    def closeness():
        return (directions @ sae.decoder.weight).max(dim=1).values.mean()

    assert closeness() < 0.7
    train_autoencoder(sae, 10 * x + 3, recipe(epochs=40, schedule="cosine"), trainer)
    assert closeness() > 0.9
    assert torch.allclose(sae.decoder.weight.norm(dim=0), torch.ones(32), atol=1e-5)
    assert not sae.training
    last = trainer.history[-1]
    assert last["fvu"] < 0.2
    assert 1.5 < last["l0"] < 4.5


def test_quality_by_hand():
    """d = 2: k = 1 leaves the smaller coordinate; what is spread about the mean (1, 0)."""
    sae, x = hand_made(activation="topk"), torch.tensor([[3.0, 1.0], [-1.0, -2.0], [1.0, 0.0]])
    sae.mean.copy_(torch.tensor([1.0, 0.0]))
    assert quality(sae, x) == {"fvu": pytest.approx((1 + 4) / (4 + 1 + 4 + 4)), "l0": pytest.approx(2 / 3)}


def test_dead_latents_come_back(toy, compute, tmp_path, monkeypatch):
    """Half of the latents start too low to be among the k largest."""
    x, _ = planted(8192)

    def share_used(name, weight):
        monkeypatch.setattr(autoencoder_module, "AUX_WEIGHT", weight)
        sae, trainer = autoencoder(k=2), Trainer(toy, None, compute, 0, tmp_path / name)
        torch.nn.init.constant_(sae.encoder.bias[:16], -3.0)
        train_autoencoder(sae, x, recipe(epochs=15, schedule="cosine"), trainer)
        return (sae.encode(x) > 0).any(0).float().mean()

    assert share_used("without", 0.0) < 0.6
    assert share_used("with", 1 / 32) > 0.7


def test_history_tells_terms_and_dead_latents(trainer):
    x, _ = planted(512)
    train_autoencoder(autoencoder(), x, recipe(), trainer)
    assert [row["stage"] for row in trainer.history] == ["sae", "sae"]
    assert {"loss/reconstruction", "loss/auxk", "fvu", "l0", "dead"} <= trainer.history[-1].keys()
    assert trainer.history[-1]["fvu"] < trainer.history[0]["fvu"]
    assert trainer.history[-1]["l0"] == 3
    assert trainer.cost.samples == 2 * 512


def test_norms_stay_1_with_averaged_weights(trainer):
    sae = train_autoencoder(autoencoder(), planted(1024)[0], recipe(ema=0.9), trainer)
    assert torch.allclose(sae.decoder.weight.norm(dim=0), torch.ones(32), atol=1e-5)


def test_same_seed_same_autoencoder_and_a_second_call_resumes(trainer, toy, compute, tmp_path):
    x, _ = planted(512)
    one = train_autoencoder(autoencoder(), x.bfloat16(), recipe(), trainer)
    steps = trainer.cost.steps
    again = train_autoencoder(autoencoder(), x.bfloat16(), recipe(), trainer)  # all of it from the checkpoint
    assert trainer.cost.steps == 2 * steps  # the checkpoint's cost, no step
    other = Trainer(toy, None, compute, 0, tmp_path / "other")
    fresh = train_autoencoder(autoencoder(), x.bfloat16(), recipe(), other)
    for name, value in one.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
        assert torch.equal(value, fresh.state_dict()[name]), name
