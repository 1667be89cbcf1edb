"""The autoencoder: activations, normalisation, terms of the loss by hand; on disk."""

import json
import math

import pytest
import torch
from sae_parts import ACTIVATIONS, autoencoder, hand_made

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.sae.autoencoder import AUX_WEIGHT, load_autoencoder, save_autoencoder
from unlearn_cli.sae.sparsity import jump


def with_all_positive(sae):
    torch.nn.init.constant_(sae.encoder.bias, 100.0)
    return sae


@pytest.mark.parametrize("shape", [(16,), (5, 16), (2, 5, 16)])
def test_topk_keeps_exactly_the_k_largest(shape):
    sae, x = with_all_positive(autoencoder()), torch.randn(shape)
    z, every = sae.encode(x), sae.encoder(x)
    assert z.shape == (*shape[:-1], 32)
    assert ((z > 0).sum(-1) == 3).all()
    assert torch.equal(z.topk(3).values, every.topk(3).values)


def test_batchtopk_keeps_k_a_token_on_average_and_later_goes_by_its_threshold():
    sae, x = with_all_positive(autoencoder(activation="batchtopk")).train(), torch.randn(50, 16)
    sae.loss(x)
    z = sae.encode(x)  # after one batch the threshold is that batch's smallest value kept
    assert (z > 0).sum() == 3 * 50
    assert (z > 0).sum(-1).unique().numel() > 1
    assert torch.equal(sae.eval().encode(x[:1]), z[:1])  # no matter which tokens are beside it
    before = sae.threshold.clone()
    sae.train().loss(x + 1)
    after = sae.encoder(x + 1).flatten().topk(150).values[-1]
    assert sae.threshold.item() == pytest.approx((0.99 * before + 0.01 * after).item(), rel=1e-5)


def test_matryoshka_encodes_as_batchtopk_does():
    sae, other = (with_all_positive(autoencoder(activation=kind)) for kind in ("matryoshka", "batchtopk"))
    x = torch.randn(50, 16)
    sae.train().loss(x)
    other.train().loss(x)
    assert torch.equal(sae.encode(x), other.encode(x))


def test_each_prefix_of_matryoshkas_groups_has_to_do_without_the_rest():
    """d = 16, m = 16, groups of 1, 2, 4 and 9: of x = (4, 4, …), prefixes leave 15, 13, 9 and 0 times 16."""
    sae = autoencoder(activation="matryoshka", expansion=1, k=16).eval()
    with torch.no_grad():
        sae.encoder.weight.copy_(torch.eye(16))
        sae.decoder.weight.copy_(torch.eye(16))
    terms = sae.loss(torch.full((3, 16), 4.0))
    assert terms["reconstruction"].item() == (15 + 13 + 9) / 4
    assert terms["auxk"].item() == 0


def test_jumprelu_by_hand():
    """d = 2; thresholds 2 and 0, bandwidth 0.001·√2: of the values 3, 2 + ε/4, 2 − ε/4 the last is cut."""
    sae, quarter = hand_made(activation="jumprelu", l1=0.5), 0.001 * math.sqrt(2) / 4
    with torch.no_grad():
        sae.threshold.copy_(torch.tensor([2.0, 0.0, 0.0, 0.0]))
    x = torch.tensor([[3.0, 0.0], [2 + quarter, 0.0], [2 - quarter, -1.0]])
    z = sae.encode(x)
    assert z[:, 0].tolist() == [3.0, x[1, 0].item(), 0.0]
    assert z[2].tolist() == [0.0, 0.0, 0.0, 1.0]
    terms = sae.loss(x)
    assert terms.keys() == {"reconstruction", "l0"}
    assert terms["l0"].item() == 0.5 * (1 + 1 + 1) / 3


def test_jumprelus_part_of_the_gradient_is_a_rectangles():
    width, threshold = 0.5, torch.tensor([1.0, 2.0], requires_grad=True)
    values = torch.tensor([[1.2, 2.3], [0.8, 1.9], [3.0, 0.0]], requires_grad=True)
    z, gate = jump(values, threshold, width)
    assert z.tolist() == [[pytest.approx(1.2), pytest.approx(2.3)], [0, 0], [3, 0]]
    assert gate.tolist() == [[1, 1], [0, 0], [1, 0]]
    of_values, of_threshold = torch.autograd.grad((5 * z).sum(), [values, threshold], retain_graph=True)
    assert of_values.tolist() == [[5, 5], [0, 0], [5, 0]]
    # within 0.25 of 1: 1.2 and 0.8; of 2: 1.9 alone. Each counts θ/ε
    assert of_threshold.tolist() == [-5 * 2 * 1 / width, -5 * 1 * 2 / width]
    assert torch.autograd.grad(gate.sum(), threshold)[0].tolist() == [-2 / width, -1 / width]


def test_thresholds_stay_positive_and_columns_at_length_1():
    sae = autoencoder(activation="jumprelu")
    with torch.no_grad():
        sae.threshold[0] = -1
        sae.decoder.weight *= 3
    sae.constrain()
    assert sae.threshold[0] == 0
    assert sae.threshold[1].item() == pytest.approx(0.001 * 4)
    assert torch.allclose(sae.decoder.weight.norm(dim=0), torch.ones(32))


def test_relu_keeps_all_that_is_positive():
    z = hand_made().encode(torch.tensor([3.0, -2.0]))
    assert z.tolist() == [3.0, 0.0, 0.0, 2.0]


def test_normalised_activations_have_mean_0_and_mean_square_d():
    sae, x = autoencoder(4, k=1), 5 + 3 * torch.randn(200_000, 4)  # more than one chunk
    sae.normalise(x)
    inner = (x - sae.mean) / sae.scale
    assert inner.mean(0).abs().max() < 1e-4
    assert inner.square().sum(-1).mean().item() == pytest.approx(4, rel=1e-4)


@pytest.mark.parametrize("x", [torch.ones(3, 4), torch.full((3, 4), torch.nan)])
def test_activations_without_spread_are_refused(x):
    with pytest.raises(RunError, match=r"spread is (0\.0|nan)"):
        autoencoder(4, k=1).normalise(x)


def test_decode_gives_the_units_of_x():
    sae, x = hand_made(), torch.tensor([[3.0, 1.0], [1.0, 5.0], [-1.0, 0.0]])
    sae.normalise(x)
    assert torch.allclose(sae.decode(sae.encode(x)), x, atol=1e-6)


def test_reconstruction_is_the_unexplained_share():
    sae, x = autoencoder().eval(), torch.randn(64, 16) * 7 + 2
    sae.normalise(x)
    unexplained = (x - sae.decode(sae.encode(x))).square().sum() / (x - x.mean(0)).square().sum()
    assert sae.loss(x)["reconstruction"].item() == pytest.approx(unexplained.item(), rel=1e-5)
    assert torch.equal(sae.loss(x)["reconstruction"], sae.loss(x.view(8, 8, 16))["reconstruction"])


def test_l1_by_hand():
    terms = hand_made(l1=0.5).loss(torch.tensor([[3.0, -2.0], [1.0, 0.0]]))
    assert terms.keys() == {"reconstruction", "l1"}
    assert terms["l1"].item() == 0.5 * (5 + 1) / 2 / 2


def test_dead_latents_are_to_explain_what_is_left():
    sae, x = hand_made(activation="topk", dead_after=4), torch.tensor([[3.0, 2.0], [4.0, 1.0]])
    assert sae.loss(x)["auxk"].item() == 0  # none is dead
    sae.silent[:] = torch.tensor([0, 0, 9, 4])  # (−1, 0) and (0, −1): of no use for x
    assert sae.loss(x)["auxk"].item() == AUX_WEIGHT * (4 + 1) / 4
    sae.silent[:] = torch.tensor([0, 4, 0, 0])  # (0, 1), just what the first leaves
    assert sae.loss(x)["auxk"].item() == 0
    with torch.no_grad():
        sae.encoder.weight[1] /= 2
    terms = sae.loss(x)
    assert terms["auxk"].item() == AUX_WEIGHT * (1 + 0.25) / 4
    terms["auxk"].backward()
    assert sae.encoder.weight.grad[1].abs().sum() > 0
    assert sae.encoder.weight.grad[[0, 2, 3]].abs().sum() == 0  # what lives is left in peace
    assert sae.encoder.weight.grad.isfinite().all()


def test_few_dead_latents_weigh_less():
    sae, x = autoencoder(8, k=1, dead_after=4).eval(), torch.randn(20, 8)
    with torch.no_grad():
        sae.encoder.weight[:4] = 0  # of no use
    sae.silent[:1] = 4
    error = sae.loss(x)["reconstruction"].item()
    assert sae.loss(x)["auxk"].item() == pytest.approx(AUX_WEIGHT * error / 4)
    sae.silent[:4] = 4
    assert sae.loss(x)["auxk"].item() == pytest.approx(AUX_WEIGHT * error)


def test_dead_are_those_silent_for_so_many_tokens():
    sae, x = hand_made(dead_after=3).train(), torch.tensor([[1.0, 0.0], [2.0, 1.0]])
    sae.loss(x)
    assert sae.silent.tolist() == [0, 0, 2, 2]
    assert sae.fraction_dead == 0
    sae.loss(-x[:1])
    assert sae.silent.tolist() == [1, 1, 0, 3]
    assert sae.fraction_dead == 0.25
    sae.eval().loss(x)
    assert sae.silent.tolist() == [1, 1, 0, 3]


def test_decoder_columns_start_at_length_1():
    assert torch.allclose(autoencoder().decoder.weight.norm(dim=0), torch.ones(32))


def test_k_beyond_the_latents_is_refused():
    with pytest.raises(InputError, match=r"dictionary\.k: 33 of 32 latents"):
        autoencoder(k=33)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_what_is_saved_comes_back(tmp_path, activation):
    sae, x = autoencoder(activation=activation).train(), torch.randn(40, 16) * 3 + 1
    sae.normalise(x)
    sae.loss(x)
    save_autoencoder(tmp_path / "sae", sae)
    again = load_autoencoder(tmp_path / "sae")
    assert torch.equal(again.encode(x), sae.encode(x))
    assert again.dictionary == sae.dictionary
    assert all(torch.equal(again.state_dict()[name], value) for name, value in sae.state_dict().items())
    assert again.threshold.isfinite().all()


@pytest.mark.parametrize("activation", [kind for kind in ACTIVATIONS if kind != "topk"])
@pytest.mark.parametrize(
    "latents", [torch.tensor([30, 2, 7]), torch.arange(32) % 5 == 0], ids=["ids", "mask"]
)
def test_a_part_encodes_as_the_whole(activation, latents):
    sae, x = autoencoder(activation=activation).train(), torch.randn(64, 16) * 3 + 1
    sae.normalise(x)
    sae.loss(x)
    if activation == "jumprelu":
        torch.nn.init.uniform_(sae.threshold, 0, 1)
    before = torch.get_rng_state()
    part, z = sae.part(latents), sae.encode(x)
    assert torch.equal(torch.get_rng_state(), before)
    assert part.latents == len(z[0, latents])
    assert torch.allclose(part.encode(x), z[:, latents], atol=1e-6)
    assert 0 < (part.encode(x) > 0).float().mean() < 1
    directions = torch.zeros_like(z)
    directions[:, latents] = z[:, latents]
    assert torch.allclose(part.decode(part.encode(x)), sae.decode(directions), atol=1e-5)
    with torch.no_grad():
        part.bias.add_(1)  # no memory is shared
    assert torch.equal(sae.encode(x), z)


def test_topk_has_no_parts():
    with pytest.raises(RunError, match="topk no part stands alone"):
        autoencoder().part(torch.tensor([0]))


def test_a_part_is_saved_like_the_whole(tmp_path):
    part = autoencoder(activation="relu").part(torch.tensor([3, 4]))
    save_autoencoder(tmp_path / "part", part)
    x = torch.randn(5, 16)
    assert torch.equal(load_autoencoder(tmp_path / "part").encode(x), part.encode(x))


def test_what_is_no_autoencoder_is_refused_in_a_line(tmp_path):
    with pytest.raises(InputError, match="no sparse autoencoder"):
        load_autoencoder(tmp_path)
    save_autoencoder(tmp_path, autoencoder())
    facts = json.loads((tmp_path / "model.json").read_text())
    del facts["dictionary"]["k"]
    (tmp_path / "model.json").write_text(json.dumps(facts))
    with pytest.raises(InputError, match="no sparse autoencoder") as caught:
        load_autoencoder(tmp_path)
    assert "\n" not in str(caught.value)
