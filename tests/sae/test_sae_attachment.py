"""Modules attached to a layer: several at once, of any kind, in models of transformers."""

from contextlib import nullcontext
from copy import deepcopy

import pytest
import torch
from edited_model import NONE, Model, chosen
from sae_parts import autoencoder, hand_made
from torch import nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    MllamaConfig,
    MllamaModel,
    MllamaTextConfig,
    MllamaVisionConfig,
)

from unlearn_cli.errors import RunError
from unlearn_cli.sae.attachment import attach
from unlearn_cli.sae.edit import Edit, attach_edit


def test_edits_of_one_layer_add_up_on_the_unedited_output():
    """The second sees 7, which the first turns into 0, and leaves 3 for the third."""
    model, sae, x = Model(), hand_made(), torch.tensor([[[7.0, 3.0]]])
    sae.scale.fill_(1.0)
    first = attach_edit(model, "block", sae, Edit(chosen(0, m=4), 0.0, 0.0))
    second = attach_edit(model, "block", hand_made(), Edit(chosen(0, m=4), -1.0, 5.0))
    third = attach_edit(model, "block", hand_made(), Edit(chosen(1, m=4), 2.0, 0.0))
    assert [made.place for made in (first, second, third)] == ["sae_edit", "sae_edit_2", "sae_edit_3"]
    assert model(x).tolist() == [[[7 - 7 - 14, 3 + 3]]]
    assert deepcopy(model)(x).tolist() == [[[-14.0, 6.0]]]
    second.self_test(lambda: model(x))
    second.rule.active = False
    assert model(x).tolist() == [[[0.0, 6.0]]]
    first.remove()
    assert model(x).tolist() == [[[7.0, 6.0]]]
    again = attach_edit(model, "block", sae, Edit(chosen(0, m=4), 0.0, 0.0))
    assert again.place == "sae_edit"
    for made in (second, third, again):
        made.remove()
    assert model(x) is x
    assert not model.state_dict()
    assert not model.block._forward_hooks


class Projection(nn.Module):
    """x − u uᵀx, as a control of another kind would be."""

    def __init__(self, direction):
        super().__init__()
        self.direction = nn.Parameter(direction)

    def forward(self, x):
        return -(x @ self.direction).unsqueeze(-1) * self.direction

    def moves(self, x):
        return torch.ones(x.shape[:-1], dtype=torch.bool)

    def extremes(self):
        return Projection(torch.zeros_like(self.direction)), self


def test_any_module_that_makes_a_change_of_tokens_can_be_attached():
    model, x = Model(), torch.tensor([[[7.0, 3.0], [1.0, 1.0]]], dtype=torch.bfloat16)
    attached = attach(model, "block", Projection(torch.tensor([0.6, 0.8])), tokens=1)
    attached.self_test(lambda: model(x))
    found = model(x)
    assert found.dtype == torch.bfloat16
    assert torch.equal(found[0, 0], x[0, 0])
    assert found[0, 1].tolist() == pytest.approx([1 - 1.4 * 0.6, 1 - 1.4 * 0.8], abs=1e-2)
    assert not model.block.edit.direction.requires_grad
    attached.remove()
    assert model(x) is x


def test_a_module_follows_the_device_of_the_layers_output(monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *arguments, **keywords: nullcontext())  # it knows no meta
    model = Model()
    attached = attach_edit(model, "block", autoencoder(), Edit(~NONE, 0.0, 0.0), torch.arange(5) > 0)
    assert model(torch.empty(2, 5, 16, device="meta")).device.type == "meta"
    assert attached.module.sae.mean.device.type == "meta"


def test_self_test_finds_a_module_that_moves_more_than_it_says(monkeypatch):
    model, x = Model(), torch.randn(1, 3, 2)
    attached = attach(model, "block", Projection(torch.tensor([0.6, 0.8])))
    monkeypatch.setattr(Projection, "moves", lambda self, x: torch.zeros(x.shape[:-1], dtype=torch.bool))
    with pytest.raises(RunError, match="moves tokens that it is to leave alone"):
        attached.self_test(lambda: model(x))


def test_mllamas_projector_gives_tiles_whose_class_tokens_stay():
    """It is called on (B, n, tiles, tokens, d); its output is what the language model sees of an image."""
    torch.manual_seed(0)
    vision = MllamaVisionConfig(
        hidden_size=8,
        num_hidden_layers=2,
        num_global_layers=1,
        attention_heads=2,
        intermediate_size=16,
        vision_output_dim=16,
        image_size=8,
        patch_size=4,
        max_num_tiles=2,
        supported_aspect_ratios=[[1, 1], [1, 2]],
        intermediate_layers_indices=[1],
    )
    text = MllamaTextConfig(
        vocab_size=20,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        intermediate_size=16,
        cross_attention_layers=[1],
        pad_token_id=0,
    )
    model, seen = MllamaModel(MllamaConfig(vision_config=vision, text_config=text)).eval(), []
    with torch.no_grad():  # it starts without a look at the image
        model.language_model.layers[1].cross_attn_attn_gate.fill_(1.0)
    inputs = {
        "pixel_values": torch.randn(1, 1, 2, 3, 8, 8),
        "aspect_ratio_ids": torch.tensor([[2]]),
        "aspect_ratio_mask": torch.ones(1, 1, 2, dtype=torch.long),
        "input_ids": torch.tensor([[3, 4, 5]]),
    }
    attached = attach_edit(model, "multi_modal_projector", autoencoder(), Edit(~NONE, 0.0, 0.0), 1)
    model.multi_modal_projector.register_forward_hook(lambda layer, given, out: seen.append((given[0], out)))
    attached.self_test(lambda: model(**inputs).last_hidden_state)
    seen.clear()
    model(**inputs)
    (given, found), plain = seen[0], model.multi_modal_projector
    assert found.shape == (1, 1, 2, 5, 16)
    unedited = nn.functional.linear(given, plain.weight, plain.bias)
    assert torch.equal(found[..., 0, :], unedited[..., 0, :])
    assert (found[..., 1:, :] != unedited[..., 1:, :]).any(-1).all()


def test_the_hidden_states_that_transformers_collects_are_edited():
    """Its own hooks come with the first forward, before ours."""
    torch.manual_seed(0)
    config = CLIPVisionConfig(
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=8,
        patch_size=4,
    )
    tower, pixels = CLIPVisionModel(config).eval(), torch.randn(2, 3, 8, 8)

    def features():
        return tower(pixels, output_hidden_states=True).hidden_states[-2]

    before = features()
    name = next(name for name, _ in tower.named_modules() if name.endswith("encoder.layers.1"))
    patches = torch.arange(5) > 0
    attached = attach_edit(tower, name, autoencoder(), Edit(~NONE, 0.0, 0.0), patches)
    attached.self_test(features)
    assert torch.equal(features()[:, 0], before[:, 0])
    assert not torch.allclose(features()[:, 1:], before[:, 1:])
    last = next(name for name, _ in tower.named_modules() if name.endswith("encoder.layers.2"))
    with pytest.raises(RunError, match="does not change"):  # LLaVA reads the layer before the last
        attach_edit(tower, last, autoencoder(), Edit(~NONE, 0.0, 0.0)).self_test(features)
