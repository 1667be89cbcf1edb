"""Forget, remind, restore: the stages, and the soup by hand."""

import pytest
import torch
from clip_checks import changed, losses
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.methods.clip.subgroup import Subgroup

SETTINGS = {
    "epochs": 4,
    "lr": 1e-3,
    "forget_loss": "uniform_ce",
    "remind_epochs": 3,
    "remind_lr": 2e-3,
    "distillation": 2.0,
    "temperature": 1.0,
    "shares": (0.0,),
    "keep": 0.0,
    "parameters": r"^clip\.visual",
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def unlearned(tiny, folder, **changes):
    trainer = tiny.trainer_in(tiny.folder / folder)
    method = Subgroup(**ADAM | SETTINGS).model_copy(update=changes)  # alone a share of 1 is refused
    return method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer), trainer


def test_the_stages(tiny):
    _, trainer = unlearned(tiny, "run")
    assert [row["stage"] for row in trainer.history] == ["forget"] * 4 + ["remind"] * 3
    assert [row["lr"] for row in trainer.history] == [1e-3] * 4 + [2e-3] * 3
    forget, remind = trainer.history[0], trainer.history[-1]
    assert {key for key in forget if key.startswith("loss/")} == {"loss/forget"}
    assert {key for key in remind if key.startswith("loss/")} == {"loss/retain", "loss/distillation"}
    assert trainer.history[3]["loss/forget"] < forget["loss/forget"]


def test_forgetting_sees_the_forget_set_and_reminding_the_retain_set(tiny):
    """With the reminding all but off, the forget loss has fallen; reminded, the retain loss is lower."""
    before = losses(tiny, tiny.model())
    forgotten = losses(tiny, unlearned(tiny, "forgotten", remind_lr=1e-9)[0])
    reminded = losses(tiny, unlearned(tiny, "reminded", distillation=0.0, remind_epochs=20)[0])
    assert forgotten[1] < 0.9 * before[1]
    assert reminded[0] < forgotten[0]


def test_the_soup(tiny):
    """a·θ_o + (1 − a)·θ_u; a = 1 is the original, bit for bit. Only the image tower moves."""
    start = tiny.model()
    unlearnt, half, whole = (unlearned(tiny, f"soup{share}", shares=(share,))[0] for share in (0.0, 0.5, 1.0))
    assert not changed(start, whole)
    names = changed(start, unlearnt)
    assert names
    assert all(name.startswith("clip.visual.") for name in names)
    for name in names:
        expected = (start.get_parameter(name) + unlearnt.get_parameter(name)) / 2
        torch.testing.assert_close(half.get_parameter(name), expected, rtol=0, atol=1e-6)


def test_the_smallest_share_is_taken(tiny):
    """keep = 0 accepts them all."""
    first, both = (unlearned(tiny, f"share{n}", shares=s)[0] for n, s in enumerate([(0.3,), (0.8, 0.3)]))
    assert not changed(first, both)
