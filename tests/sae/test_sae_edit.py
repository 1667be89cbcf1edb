"""Edits in a model: exact where nothing is edited, through every kind of output, carried by copies."""

from copy import deepcopy

import pytest
import torch
from diffusers.models.modeling_outputs import Transformer2DModelOutput
from edited_model import NONE, Model, chosen
from sae_parts import autoencoder, hand_made

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.sae.attachment import tokens_of
from unlearn_cli.sae.edit import Edit, SparseEdit, attach_edit

FORMS = {
    "tensor": (lambda x: x, lambda y: y),
    "tuple": (lambda x: (x, "other"), lambda y: y[0] if y[1] == "other" else None),
    "diffusers": (lambda x: Transformer2DModelOutput(sample=x), lambda y: y.sample),
}
INPUTS = {"map": (2, 16, 3, 4), "tokens": (2, 5, 16), "tiles": (2, 1, 4, 5, 16)}


def edited(x, sae, edit, tokens=None, channels="first"):
    model = Model()
    attach_edit(model, "block", sae, edit, tokens, channels)
    return model(x)


@pytest.fixture(params=INPUTS.values(), ids=INPUTS.keys())
def x(request):
    torch.manual_seed(1)
    return 3 * torch.randn(request.param) + 1


def test_edit_by_hand():
    sae = hand_made()
    sae.mean.copy_(torch.tensor([1.0, 1.0]))
    sae.scale.fill_(2.0)
    x = torch.tensor([[[7.0, 3.0], [3.0, 9.0], [-1.0, 1.0]]])  # z = (3, 1, ..), (1, 4, ..), (0, 0, 1, 0)
    edit = Edit(chosen(0, 2, m=4), torch.tensor([-2.0, 9.0, 0.0, 9.0]), torch.tensor([1.0, 0.0, 0.0, 0.0]))
    # latent 0 above 1: 3 -> -6, so x₁ = 1 + 2·(-6); latent 0 at 1: as it was; latent 2: 1 -> 0
    assert edited(x, sae, edit).tolist() == [[[-11.0, 3.0], [3.0, 9.0], [1.0, 1.0]]]


def test_latents_are_clamped_to_their_offsets():
    sae, x = hand_made(), torch.tensor([[[7.0, 3.0], [0.0, 9.0], [4.0, -1.0]]])
    edit = Edit(
        chosen(0, 1, m=4), 0.0, torch.tensor([5.0, 0.0, 0.0, 0.0]), torch.tensor([-2.0, 1.0, 9.0, 9.0])
    )
    assert edited(x, sae, edit).tolist() == [[[-2.0, 1.0], [0.0, 1.0], [4.0, -1.0]]]


def test_the_error_of_the_autoencoder_stays():
    """k = 1 leaves the smaller coordinate unexplained."""
    sae = hand_made(activation="topk")
    x = torch.tensor([[[7.0, 3.0], [3.0, 9.0]]])
    assert edited(x, sae, Edit(chosen(0, m=4), 0.0, 0.0)).tolist() == [[[0.0, 3.0], [3.0, 9.0]]]


@pytest.mark.parametrize("edit", [Edit(NONE, 0.0, 0.0), Edit(~NONE, 1.0, 0.0), Edit(~NONE, 0.0, 1e9)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_an_edit_of_nothing_gives_x_back_exactly(x, edit, dtype):
    x, sae = x.to(dtype), autoencoder().eval()
    tokens = tokens_of(x)
    assert not torch.allclose(sae.decode(sae.encode(tokens)), tokens.float())  # much is unexplained
    found = edited(x, sae, edit)
    assert found.dtype == dtype
    assert torch.equal(found, x)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_edits_through_every_output(x, form):
    model, sae = Model(*form), autoencoder()
    expected = edited(x, sae, Edit(~NONE, 0.0, 0.0))
    attached = attach_edit(model, "block", sae, Edit(~NONE, 0.0, 0.0))
    attached.self_test(lambda: model(x))
    assert torch.equal(model(x), expected)
    assert not torch.allclose(expected, x)
    attached.rule.active = False
    assert model(x) is x
    attached.rule.active = True
    attached.remove()
    assert model(x) is x
    assert not model.state_dict()


def test_a_map_is_edited_as_its_positions():
    sae, edit = autoencoder().eval(), Edit(chosen(*range(0, 32, 2)), -1.0, 0.1)
    x = torch.randn(2, 16, 3, 4)
    tokens = edited(x.permute(0, 2, 3, 1).reshape(2, 12, 16), sae, edit)
    assert torch.allclose(edited(x, sae, edit), tokens.view(2, 3, 4, 16).permute(0, 3, 1, 2), atol=1e-6)


@pytest.mark.parametrize("shape", [(2, 4, 3, 16), (2, 1, 4, 3, 16)])
def test_outputs_of_many_dimensions_are_edited_as_their_tokens(shape):
    sae, edit = autoencoder().eval(), Edit(chosen(*range(0, 32, 2)), -1.0, 0.1)
    x = torch.randn(shape)
    tokens = edited(x.view(2, 12, 16), sae, edit)
    assert torch.equal(edited(x, sae, edit, channels="last"), tokens.view(shape))


def test_only_the_tokens_asked_for_move():
    sae, x = autoencoder().eval(), torch.randn(2, 5, 16)
    first = torch.arange(5) == 0
    moved = edited(x, sae, Edit(~NONE, 0.0, 0.0), ~first)
    assert torch.equal(moved[:, 0], x[:, 0])
    assert (moved[:, 1:] != x[:, 1:]).any(-1).all()
    second_sample = torch.tensor([[False], [True]])  # the half of a batch that guidance conditions
    moved = edited(x, sae, Edit(~NONE, 0.0, 0.0), second_sample)
    assert torch.equal(moved[0], x[0])
    assert (moved[1] != x[1]).any(-1).all()


@pytest.mark.parametrize("shape", [(2, 5, 16), (2, 1, 4, 5, 16)])
def test_leading_tokens_stay_in_every_tile(shape):
    sae, x = autoencoder().eval(), torch.randn(shape)
    moved = edited(x, sae, Edit(~NONE, 0.0, 0.0), 2) != x
    assert not moved[..., :2, :].any()
    assert moved[..., 2:, :].any(-1).all()


def test_each_group_has_its_own_latents():
    selected = torch.stack([chosen(0, m=4), chosen(1, m=4)])
    model = Model()
    sparse = attach_edit(
        model, "block", hand_made(), Edit(selected, torch.tensor([[0.0], [-1.0]]), 0.0)
    ).module
    x = torch.tensor([[[7.0, 3.0]], [[5.0, 2.0]]])
    assert model(x).tolist() == [[[0.0, 3.0]], [[0.0, 2.0]]]
    sparse.group = 1
    assert model(x).tolist() == [[[7.0, -3.0]], [[5.0, -2.0]]]
    sparse.group = torch.tensor([1, 0])
    assert model(x).tolist() == [[[7.0, -3.0]], [[0.0, 2.0]]]


def test_copies_and_state_dicts_carry_the_edit(x):
    model = Model()
    attached = attach_edit(model, "block", autoencoder(), Edit(chosen(0, 1, 2), -5.0, 0.0))
    edited = model(x)
    copy = deepcopy(model)
    attached.remove()
    assert torch.equal(copy(x), edited)
    with torch.no_grad():
        copy.block.sae_edit.edit.factor.fill_(1.0)  # the copy's own is what its hook reads
    assert torch.equal(copy(x), x)
    other = Model()
    attach_edit(other, "block", autoencoder(), Edit(chosen(7, 8, 9), 0.0, 0.0))
    copy.block.sae_edit.edit.factor.fill_(-5.0)
    other.load_state_dict(copy.state_dict())
    assert torch.equal(other(x), edited)


def test_a_model_in_train_mode_is_edited_alike(x):
    model = Model()
    attach_edit(model, "block", autoencoder(activation="batchtopk"), Edit(~NONE, 0.0, 0.0))
    assert torch.equal(model.train()(x), model.eval()(x))
    assert not any(p.requires_grad for p in model.block.sae_edit.parameters())


def test_self_test_finds_an_edit_that_nothing_reads(x):
    model = Model(read=lambda y: torch.ones(1))
    with pytest.raises(RunError, match="'block' does not change the model's output"):
        attach_edit(model, "block", autoencoder(), Edit(~NONE, 0.0, 0.0)).self_test(lambda: model(x))


def test_self_test_finds_a_layer_that_is_not_run(x):
    model = Model()
    with pytest.raises(RunError, match="'unused' is not run"):
        attach_edit(model, "unused", autoencoder(), Edit(~NONE, 0.0, 0.0)).self_test(lambda: model(x))


def test_self_test_finds_the_mirrored_error(x, monkeypatch):
    def mirrored(self, x):
        return 2 * (self.sae.decode(self.sae.encode(x)) - x)

    model = Model()
    attached = attach_edit(model, "block", autoencoder(), Edit(~NONE, 0.0, 0.0))
    monkeypatch.setattr(SparseEdit, "forward", mirrored)
    with pytest.raises(RunError, match="an edit of nothing at 'block' changes the model's output"):
        attached.self_test(lambda: model(x))
    assert attached.rule.active


def test_what_cannot_be_edited_is_refused(x):
    model, sae, edit = Model(), autoencoder(), Edit(NONE, 0.0, 0.0)
    with pytest.raises(InputError, match="no layer 'blok' in the model; did you mean 'block'"):
        attach_edit(model, "blok", sae, edit)
    with pytest.raises(InputError, match="'container' is a container"):
        attach_edit(model, "container", sae, edit)
    attach_edit(model, "block", sae, edit)
    with pytest.raises(InputError, match="of length 16, the layer's have 8"):
        model(x[:, :8] if x.ndim == 4 else x[..., :8])
