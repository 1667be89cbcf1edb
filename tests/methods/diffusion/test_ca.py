"""CA: the concept's prompt on the anchor's images, towards the present model's or the denoising target."""

import dataclasses

import numpy as np
import pytest
import torch
from tiny_diffusion import Recorder
from tiny_text import ADAM, TinyText, moved

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.ca import ConceptAblation


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def ablation(**changes):
    return ConceptAblation(**ADAM | {"target": "model", "weight": 0.5, "detach_start": False} | changes)


@pytest.mark.parametrize("target", ["model", "noise"])
def test_the_loss_by_hand(tiny, monkeypatch, target):
    """With the noising fixed: prompts 0 and 1 against 2 and 3 on the images of rows 2 and 7."""

    def noised(self, model, batch):
        return 2 * batch.x.repeat(1, 4, 1, 1)[:, :, :4, :4] - 1, torch.full_like(batch.y, 7), seen(batch)

    def seen(batch):
        images.append(batch.index.tolist())
        return torch.ones(len(batch), 12, 4, 4)

    images = []
    monkeypatch.setattr(type(tiny.task), "noised", noised)
    recorder, model = Recorder(tiny.trainer), tiny.model()
    ablation(target=target).unlearn(tiny.task, model, tiny.sets, recorder)
    terms = recorder.objective(model.train(), tiny.batch(np.array([0, 5, 2, 3])))
    assert images == [[2, 7], [2, 3]]  # the anchors' of 0 and 5, then the retained
    anchor = tiny.batch(np.array([2, 7]))
    z, t = 2 * anchor.x.repeat(1, 4, 1, 1)[:, :, :4, :4] - 1, torch.tensor([7, 7])
    model.eval()  # an objective in train mode must not have dropped a prompt of the first term
    with torch.no_grad():
        wanted = torch.ones(2, 12, 4, 4) if target == "noise" else model(z, t, torch.tensor([2, 3]))
    expected = (model(z, t, torch.tensor([0, 1])) - wanted).square().mean()
    assert list(terms) == ["forget", "retain"]
    torch.testing.assert_close(terms["forget"], expected)
    keys = model.get_parameter("unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight")
    slopes = [torch.autograd.grad(loss, keys)[0] for loss in (terms["forget"], expected)]
    torch.testing.assert_close(*slopes)  # none flows through the target


def test_equal_words_are_nothing_to_ablate(tiny):
    recorder, model = Recorder(tiny.trainer), tiny.model()
    ablation().unlearn(tiny.task, model, tiny.sets, recorder)
    model.shared.ids[0:2] = model.shared.ids[2:4]
    terms = recorder.objective(model, tiny.batch(tiny.sets.train))
    assert terms["forget"].item() == pytest.approx(0, abs=1e-10)


def test_only_the_selected_parameters_move(tiny):
    start, model = tiny.model(), tiny.model()
    after = ablation(parameters=r"attn2\.to_(k|v)").unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    names = {name for name, _ in start.named_parameters() if "attn2.to_k" in name or "attn2.to_v" in name}
    assert moved(start, after) == names


def test_without_an_anchor_there_is_no_target(tiny):
    bare = dataclasses.replace(tiny.sets, anchors=tiny.sets.anchors[:0])
    with pytest.raises(InputError, match=r"use forget=concept forget\.concept=… forget\.anchor=…$"):
        ablation().check(tiny.task, tiny.model(), tiny.data, bare)
    ablation().check(tiny.task, tiny.model(), tiny.data, tiny.sets)
