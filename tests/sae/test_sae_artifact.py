"""A concept's file: the same edit as before, on a plain model, alone and beside others."""

import json

import pytest
import torch
from sae_parts import ACTIVATIONS, autoencoder
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.sae.artifact import attach_file, load_edit, save_edit
from unlearn_cli.sae.edit import Edit, SparseEdit, attach_edit

LAYER = "encoder.layers.1"


def tower(width=16):
    torch.manual_seed(0)
    sizes = {"hidden_size": width, "intermediate_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2}
    return CLIPVisionModel(CLIPVisionConfig(**sizes, image_size=8, patch_size=4)).eval()


def layer(model):
    return next(name for name, _ in model.named_modules() if name.endswith(LAYER))


def trained(activation):
    """An autoencoder of the layer's activations: not its weights, but all that comes of a batch."""
    sae, x = autoencoder(activation=activation).train(), torch.randn(64, 16) * 2 + 1
    sae.normalise(x)
    sae.loss(x)
    return sae.eval()


def edit_of(*latents, factor=-2.0):
    selected = torch.zeros(32, dtype=torch.bool).index_fill(0, torch.tensor(latents, dtype=torch.long), True)
    return Edit(selected, factor, torch.linspace(0, 0.3, 32), torch.linspace(-1, 1, 32))


def features(model):
    pixels = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return model(pixels, output_hidden_states=True).hidden_states[-2]


@pytest.fixture
def write(tmp_path):
    """write(name, activation, *latents, **facts): a concept's file."""

    def written(name, activation, *latents, **facts):
        path = tmp_path / f"{name}.safetensors"
        save_edit(
            path, trained(activation), edit_of(*latents), {"layer": layer(tower()), "tokens": 1} | facts
        )
        return path

    return written


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_edit_comes_back_from_its_file(write, activation):
    path = write("red", activation, 3, 17, 30, concept="red")
    sae, edit, facts = load_edit(path)
    assert facts == {"layer": layer(tower()), "tokens": 1, "concept": "red"}
    assert sae.latents == (32 if activation == "topk" else 3)
    x = torch.randn(2, 5, 16)
    whole = SparseEdit(trained(activation), edit_of(3, 17, 30))(x)
    assert whole.any()
    assert torch.allclose(SparseEdit(sae, edit)(x), whole, atol=1e-6)


def test_groups_of_an_edit_come_back(tmp_path):
    selected = torch.zeros(2, 32, dtype=torch.bool)
    selected[0, 4], selected[1, 9] = True, True
    edit, sae, x = Edit(selected, torch.tensor([[0.0], [-3.0]]), 0.0), trained("relu"), torch.randn(2, 5, 16)
    save_edit(tmp_path / "red.safetensors", sae, edit, {"layer": layer(tower()), "tokens": 0})
    made = [SparseEdit(sae, edit), SparseEdit(*load_edit(tmp_path / "red.safetensors")[:2])]
    for group in (0, 1, torch.tensor([1, 0])):
        for sparse in made:
            sparse.group = group
        assert torch.allclose(made[0](x), made[1](x), atol=1e-6)
    with pytest.raises(InputError, match="an edit in 2 groups"):
        attach_file(tower(), tmp_path / "red.safetensors")


def test_a_file_is_small(write):
    assert write("red", "jumprelu", 3, 17).stat().st_size < 3000


def test_a_file_at_work_on_a_plain_model_is_the_edit(write):
    expected, model, plain = tower(), tower(), features(tower())
    attach_edit(expected, layer(expected), trained("batchtopk"), edit_of(3, 17, 30), 1)
    (attached,) = attach_file(model, write("red", "batchtopk", 3, 17, 30))
    assert torch.allclose(features(model), features(expected), atol=1e-6)
    assert torch.equal(features(model)[:, 0], plain[:, 0])
    assert not torch.allclose(features(model), plain, atol=1e-3)
    attached.remove()
    assert torch.equal(features(model), plain)


def test_the_changes_of_several_concepts_add_up(write):
    paths = [write("red", "relu", 3, 17), write("circle", "jumprelu", 3, 21), write("dog", "topk", *range(9))]
    plain = features(tower())
    changes = []
    for path in paths:
        model = tower()
        attach_file(model, path)
        changes.append(features(model) - plain)
    model = tower()
    made = attach_file(model, *paths[:2])
    made += attach_file(model, paths[2])
    assert all(change.any() for change in changes)
    assert torch.allclose(features(model), plain + sum(changes), atol=1e-5)
    made[1].remove()
    assert torch.allclose(features(model), plain + changes[0] + changes[2], atol=1e-5)
    for attached in (made[0], made[2]):
        attached.remove()
    assert torch.equal(features(model), plain)
    assert model.state_dict().keys() == tower().state_dict().keys()


def test_a_model_of_half_precision_keeps_it(write):
    model = tower().bfloat16()
    attach_file(model, write("red", "relu", 3, 17))
    assert model(torch.randn(1, 3, 8, 8).bfloat16()).last_hidden_state.dtype == torch.bfloat16


def test_another_width_or_layer_is_refused_before_anything_is_attached(write):
    path = write("red", "relu", 3)
    with pytest.raises(InputError, match=r"of length 16, those of '.*' are of length 20"):
        attach_file(tower(width=20), path)
    model, misplaced = tower(), write("blue", "relu", 3, layer="encoder.layer.1")
    with pytest.raises(
        InputError, match=r"no layer 'encoder.layer.1' in the model; did you mean '.*layers.1'"
    ):
        attach_file(model, path, misplaced)
    assert model.state_dict().keys() == tower().state_dict().keys()
    with pytest.raises(InputError, match="does not tell the 'layer'"):
        attach_file(model, write("green", "relu", 3, tokens=None))


def test_what_is_no_concepts_file_is_refused_in_a_line(write, tmp_path):
    path = write("red", "relu", 3, 17)
    tensors = load_file(path)
    facts = {"facts": "{}", "autoencoder": json.dumps(load_edit(path)[0].facts)}
    wrong = tmp_path / "wrong.safetensors"
    contents = [
        (tensors, None),
        (tensors, facts | {"facts": "["}),
        (tensors, facts | {"autoencoder": "{}"}),
        ({name: value for name, value in tensors.items() if name != "sae.mean"}, facts),
        ({name: value for name, value in tensors.items() if not name.startswith("edit")}, facts),
        (tensors | {"edit.factor": torch.zeros(1, 5)}, facts),
        (tensors | {"edit.latents": torch.tensor([0, 7])}, facts),
    ]
    for content, metadata in contents:
        save_file(content, wrong, metadata)
        with pytest.raises(InputError, match="no edit of a concept") as caught:
            load_edit(wrong)
        assert "\n" not in str(caught.value)
    save_file(tensors, wrong, facts)
    load_edit(wrong)
    wrong.write_bytes(path.read_bytes()[:-40])
    for damaged in (wrong, tmp_path / "absent.safetensors"):
        with pytest.raises(InputError, match="no edit of a concept"):
            load_edit(damaged)


def test_an_edit_of_nothing_is_not_saved(tmp_path):
    with pytest.raises(RunError, match="selects no latent"):
        save_edit(tmp_path / "red.safetensors", trained("relu"), edit_of(), {})
    assert not list(tmp_path.iterdir())
