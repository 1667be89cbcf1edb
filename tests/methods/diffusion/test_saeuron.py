"""SAeUron: an edit beside the weights, restored from a run's folder."""

import pytest
import torch
from tiny_text import ADAM, TinyText

from unlearn_cli.errors import InputError, RunError
from unlearn_cli.experiment import checked
from unlearn_cli.methods.diffusion.saeuron import SAeUron
from unlearn_cli.sae.scores import Tally

DICTIONARY = {"expansion": 4, "activation": "topk", "k": 4, "l1": 0.0, "dead_after": 1000}
LAYER = "up_blocks.1.attentions.0"


@pytest.fixture
def tiny(tmp_path):
    return TinyText(tmp_path)


def saeuron(tiny, **changes) -> SAeUron:
    values = {
        "layer": LAYER,
        "dictionary": DICTIONARY,
        "score": "prop_diff",
        "percentile": 50.0,
        "multiplier": -2.0,
        "groups": 3,
        "prompts": 2,
        "images": 2,
        "sampler": tiny.sampler,
        "batch_size": 32,
    }
    return checked(SAeUron, ADAM | values | changes, "method")


def predicted(model, prompts=(0, 2)) -> torch.Tensor:
    x = torch.randn(len(prompts), *model.state_shape(3, (8, 8)), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        return model.eval()(x, torch.full((len(prompts),), 30), torch.tensor(prompts))


def test_no_weight_changes_and_the_output_does(tiny):
    original, model = tiny.model(), tiny.model()
    unlearned = saeuron(tiny).unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    after = unlearned.state_dict()
    assert all(torch.equal(after[name], value) for name, value in original.state_dict().items())
    assert not torch.allclose(predicted(unlearned), predicted(original), atol=1e-4)


def test_a_multiplier_that_leaves_every_feature_as_it_is_changes_nothing(tiny, monkeypatch):
    original, model = tiny.model(), tiny.model()
    method = saeuron(tiny)
    edit = SAeUron.edit
    monkeypatch.setattr(SAeUron, "edit", lambda *arguments: edit(*arguments) | {"factor": torch.ones(3, 32)})
    unlearned = method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    assert torch.equal(predicted(unlearned), predicted(original))


def test_it_is_restored_from_the_runs_folder(tiny):
    method = saeuron(tiny)
    unlearned = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    again = method.restored(tiny.model(), tiny.folder)
    assert torch.equal(predicted(again), predicted(unlearned))


def test_each_timestep_has_its_groups_features(tiny):
    """Features are chosen in each group by its own scores; the hook looks them up by the pass's timestep."""
    method = saeuron(tiny, percentile=70.0)
    model = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    edit = model.unet.get_submodule(LAYER).sae_edit
    assert len(edit.edit.factor) == 3
    x = torch.randn(3, *model.state_shape(3, (8, 8)))
    with torch.no_grad():
        model.eval()(x, torch.tensor([0, 25, 59]), torch.tensor([0, 1, 2]))
    assert edit.group.tolist() == [0, 1, 2]


def test_the_edit_of_a_hand_made_tally(tiny):
    forget, other = (Tally(4, torch.device("cpu"), 1) for _ in range(2))
    forget.update(torch.tensor([[3.0, 1.0, 0.0, 0.0]]))
    other.update(torch.tensor([[1.0, 1.0, 1.0, 1.0]]))
    found = saeuron(tiny, groups=1).edit(forget, other, share=0.25, scale=1.5)
    # shares 3/4, 1/4, 0, 0 against 1/4 each: only the first is more the concept's
    assert found["selected"].tolist() == [[True, False, False, False]]
    torch.testing.assert_close(found["factor"], -3.0 * torch.tensor([[3.0, 1.0, 0.0, 0.0]]))
    torch.testing.assert_close(found["threshold"], torch.tensor([[1.5, 1.0, 0.75, 0.75]]))


def test_a_concept_without_a_feature_fails(tiny):
    """Nothing would be turned off."""
    forget, other = (Tally(4, torch.device("cpu"), 1) for _ in range(2))
    for tally in (forget, other):
        tally.update(torch.tensor([[1.0, 1.0, 1.0, 1.0]]))
    with pytest.raises(RunError, match=r"^saeuron: no feature of '.*' is more active for the concept"):
        saeuron(tiny, groups=1).edit(forget, other, share=0.5, scale=1.0)


def test_a_layer_that_is_not_there_is_refused(tiny):
    method = saeuron(tiny, layer="up_blocks.9")
    with pytest.raises(InputError, match=r"method\.layer: the UNet has no 'up_blocks\.9'"):
        method.check(tiny.task, tiny.model(), tiny.data, tiny.sets)
