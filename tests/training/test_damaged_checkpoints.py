"""A checkpoint that is empty, cut, foreign or flipped in one bit is set aside, and the phase begins anew."""

import shutil

import numpy as np
import pytest
import torch
from harm import HARMS, flips, harm
from small_training import assert_equal, cross_entropy, killed_after, small_model, state
from torch import nn

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.training.checkpoint import read_checkpoint, write_checkpoint

FEED = shuffled(np.arange(30))


@pytest.fixture
def killed(trainer, recipe):
    """The checkpoint of a trainer killed in its second epoch, its recipe, and the weights to come to."""
    plan = recipe(epochs=2, ema=0.9)
    expected = state(trainer("whole").fit(small_model(), FEED, cross_entropy, plan))
    ended = trainer("killed", checkpoint_minutes=0)
    with pytest.raises(KeyboardInterrupt):
        ended.fit(small_model(), FEED, killed_after(5), plan)
    return ended.folder / "unlearn.resume.pt", plan, expected


@pytest.mark.parametrize("kind", HARMS)
def test_the_phase_begins_anew(trainer, killed, caplog, kind):
    file, plan, expected = killed
    harm(file, kind)
    resumed = trainer("killed")
    assert_equal(expected, state(resumed.fit(small_model(), FEED, cross_entropy, plan)))
    assert resumed.cost.samples == 60
    (told,) = [message for message in caplog.messages if "damaged" in message]
    assert f"checkpoint: {file} is damaged (" in told
    assert told.endswith("set aside as unlearn.resume.pt.damaged-0 and made anew")
    assert len(told) < 400


@pytest.mark.parametrize("other", ["shapes", "names", "optimiser", "content"])
def test_another_phases_checkpoint_leaves_the_model_as_it_was(trainer, recipe, killed, caplog, other):
    file, plan, expected = killed
    if other == "content":
        torch.save({"of": 1, "model": None}, file)
    else:
        model = small_model()
        if other == "shapes":
            model[4] = nn.Linear(16, 3, bias=False)
        if other == "names":
            model = nn.Sequential(model)
        with pytest.raises(KeyboardInterrupt):
            trainer("other", checkpoint_minutes=0).fit(
                model,
                FEED,
                killed_after(5),
                recipe(epochs=2, optimizer="adam") if other == "optimiser" else plan,
            )
        shutil.copy(file.parents[1] / "other" / file.name, file)
    assert_equal(expected, state(trainer("killed").fit(small_model(), FEED, cross_entropy, plan)))
    assert "of other work, or of another version of unlearn" in caplog.text


def test_no_flipped_bit_gives_other_numbers(tmp_path):
    file = tmp_path / "x.resume.pt"
    content = {"model": {"a": torch.arange(50.0)}, "history": [{"loss": 0.125}], "step": 7}
    write_checkpoint(file, content, "this")
    whole = file.read_bytes()
    for changed in flips(whole, 400):
        file.write_bytes(changed)
        found = read_checkpoint(file, "this")
        if found is not None:
            assert torch.equal(found["model"]["a"], content["model"]["a"])
            assert (found["history"], found["step"]) == (content["history"], 7)
    assert len(list(tmp_path.glob("*.damaged-*"))) > 200
