"""SPM: what the adapters are put on, their losses, and the ordinary model that is left."""

import dataclasses

import pytest
import torch
from tiny_diffusion import Recorder
from tiny_text import ADAM, SAMPLER, TinyText, moved
from torch import nn

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.spm import SPM, RankOne, linear_layers, random_embeddings
from unlearn_cli.runtime.stopping import Preempted
from unlearn_cli.training import phase
from unlearn_cli.training.mask import Mask

SETTINGS = {"neutral": "anchor", "guidance": 0.5, "weight": 2.0, "anchors": 3, "sampler": SAMPLER}
KEYS = r"attn2\.to_k"


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def spm(**changes):
    return SPM(**ADAM | SETTINGS | changes)


def test_adapters_are_for_linear_layers_of_transformer_blocks(tiny):
    model = tiny.model()
    layers = linear_layers(model, [name for name, _ in model.named_parameters()])
    assert "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k" in layers
    assert "unet.mid_block.attentions.0.proj_in" in layers  # a 1x1 convolution
    assert all(name.startswith("unet.") and "attentions" in name for name in layers)
    assert len(linear_layers(model, spm(parameters=KEYS).trained_names(model))) == 7


def test_an_adapter_is_an_outer_product_that_begins_at_nothing():
    torch.manual_seed(0)
    weight = torch.randn(4, 3, 1, 1)
    adapter = RankOne(weight)
    assert torch.equal(adapter(weight), weight)
    assert adapter.down.abs().sum() > 0
    with torch.no_grad():
        adapter.up += torch.tensor([[1.0], [2.0], [0.0], [-1.0]])
    expected = torch.outer(adapter.up[:, 0], adapter.down[0]).view(4, 3, 1, 1)
    torch.testing.assert_close(adapter(weight) - weight, expected)


def test_at_the_start_the_model_is_the_original(tiny):
    """The forget term is then guidance's alone, and the anchoring zero."""
    recorder, model, original = Recorder(tiny.trainer), tiny.model(), tiny.model()
    batch = tiny.batch(tiny.sets.forget)
    recorder.fit = lambda *a, **_: setattr(recorder, "objective", a[2])
    spm(parameters=KEYS).unlearn(tiny.task, model, tiny.sets, recorder)
    torch.manual_seed(3)
    terms = recorder.objective(model, batch)
    torch.manual_seed(3)
    x, t = tiny.task.underway(original, batch, tiny.sampler, tiny.trainer)
    with torch.no_grad():
        neutral, concept = original(x, t, batch.anchor), original(x, t, batch.y)
    target = neutral - 0.5 * (concept - neutral)
    assert list(terms) == ["forget", "retain"]
    torch.testing.assert_close(terms["forget"].detach(), (concept - target).square().mean())
    assert terms["retain"].item() == pytest.approx(0, abs=1e-10)


def test_the_anchoring_grows_with_the_adapters(tiny):
    recorder, model = Recorder(tiny.trainer), tiny.model()
    recorder.fit = lambda *a, **_: setattr(recorder, "objective", a[2])
    spm(parameters=KEYS, neutral="empty").unlearn(tiny.task, model, tiny.sets, recorder)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith(".up"):
                p += 1.0
    assert recorder.objective(model, tiny.batch(tiny.sets.forget))["retain"].item() > 1e-5


def test_what_is_left_is_an_ordinary_model_with_rank_one_changes(tiny):
    start, model = tiny.model(), tiny.model()
    after = spm(parameters=KEYS, epochs=3, ema=0.5).unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    assert list(after.state_dict()) == list(start.state_dict())
    names = {name for name, _ in start.named_parameters() if "attn2.to_k" in name}
    assert moved(start, after) == names
    for name in names:
        change = (after.get_parameter(name) - start.get_parameter(name)).detach()
        first, second, *_ = torch.linalg.svdvals(change.double())
        assert second < 1e-5 * first + 1e-7
        # the adapted model's own weight W + b aᵀ, which parametrizations compute
        adapted = model.get_submodule(name.removesuffix(".weight")).weight
        torch.testing.assert_close(after.get_parameter(name), adapted)
    assert all(p.requires_grad for p in after.parameters())
    x, t, y = torch.randn(2, 12, 4, 4), torch.tensor([3, 9]), torch.tensor([0, 3])
    with torch.no_grad():
        torch.testing.assert_close(after(x, t, y), model.eval()(x, t, y))


def test_masked_entries_keep_their_values(tiny):
    start = tiny.model()
    name = next(name for name, _ in start.named_parameters() if "attn2.to_k" in name)
    tiny.trainer.mask = Mask({name: torch.zeros_like(start.get_parameter(name), dtype=torch.bool)})
    after = spm(parameters=KEYS).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    changed = moved(start, after)
    assert changed
    assert name not in changed


def test_a_killed_run_goes_on_where_it_stopped(tiny, tmp_path, monkeypatch):
    """Stopped before the second of three steps, then begun anew: the same model as without a stop."""
    method = spm(parameters=KEYS, epochs=3, batch_size=4)
    whole = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    calls = iter([False, True, True])
    broken = tiny.trainer_in(tmp_path / "broken")
    monkeypatch.setattr(phase, "stop_requested", lambda: next(calls, True))
    with pytest.raises(Preempted):
        method.unlearn(tiny.task, tiny.model(), tiny.sets, broken)
    monkeypatch.undo()
    resumed = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer_in(tmp_path / "broken"))
    assert not moved(whole, resumed)


def test_random_embeddings_have_about_the_targets_length():
    torch.manual_seed(0)
    like = torch.randn(500, 3, 4) * torch.linspace(0.1, 5, 500)[:, None, None]
    found = random_embeddings(like)
    assert found.shape == like.shape
    share = found.flatten(1).norm(dim=1) / like.flatten(1).norm(dim=1)
    assert 0.8 <= share.min() < 0.83 < 1.17 < share.max() <= 1.2 + 1e-6
    # accepted with 1 − cos: of unit vectors in D dimensions, the mean cosine is −E[cos²] = −1/D
    cosine = nn.functional.cosine_similarity(found.flatten(1), like.flatten(1))
    assert cosine.mean().item() == pytest.approx(-1 / 12, abs=0.035)


def test_settings_that_do_not_fit_are_refused(tiny):
    bare = dataclasses.replace(tiny.sets, anchors=tiny.sets.anchors[:0])
    with pytest.raises(InputError, match=r"^forget: .* use forget=concept"):
        spm().check(tiny.task, tiny.model(), tiny.data, bare)
    spm(neutral="empty").check(tiny.task, tiny.model(), tiny.data, bare)
    with pytest.raises(InputError, match=r"^method\.parameters: '\^text_encoder' names no linear layer"):
        spm(parameters="^text_encoder").check(tiny.task, tiny.model(), tiny.data, tiny.sets)
