"""Forget, remind, restore (Zhang et al., CVPR 2025): both stages' steps, and the soup."""

import copy

import pytest
import torch

from parity.clip.towers import forget, images, pixels, remember, texts
from parity.steps import RECIPE, assert_same, repeated, watched
from unlearn_cli.methods.clip import step_size
from unlearn_cli.methods.clip.subgroup import Subgroup

DISTILLATION, TEMPERATURE, SHARE, RATE = 1.7, 2.3, 0.29, 0.0071


@pytest.mark.parametrize("kind", ["uniform_ce", "neg_entropy"])
def test_three_stages(tiny, kind):
    start = tiny.model()
    names = [name for name, _ in start.named_parameters() if name.startswith("clip.visual.")]
    tokens = start.tokenizer([f"a {name}" for name in tiny.data.classes])

    def logits(model, rows):
        return (
            model.clip.logit_scale.exp()
            * images(model.clip, pixels(tiny, rows))
            @ texts(model.clip, tokens).T
        )

    def forgetting(model, rows, number):
        assert (rows < 6).all()
        return forget(logits(model, rows), kind)

    def reminding(model, rows, number):
        assert (rows >= 6).all()
        now = logits(model, rows)
        with torch.no_grad():
            p = (logits(start, rows) / TEMPERATURE).softmax(1)
        q = (now / TEMPERATURE).log_softmax(1)
        apart = TEMPERATURE**2 * (p * (p.log() - q)).sum(1).mean()
        return remember(now, torch.from_numpy(rows % 3)) + DISTILLATION * apart

    stages = watched(tiny.trainer)
    own = {"forget_loss": kind, "remind_epochs": 3, "remind_lr": RATE, "distillation": DISTILLATION}
    own |= {"temperature": TEMPERATURE, "shares": (SHARE,), "keep": 0.0}
    method = Subgroup(**RECIPE | {"parameters": r"^clip\.visual", "batch_size": 4}, **own)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert len(stages["remind"]) == 3 * 2
    again = repeated(copy.deepcopy(start), names, stages["forget"], forgetting)
    again = repeated(again, names, stages["remind"], reminding, lr=RATE)
    with torch.no_grad():
        for name in names:
            at, moved = start.get_parameter(name), again.get_parameter(name)
            moved.copy_(SHARE * at + (1 - SHARE) * moved)
    assert_same(found, again, start, names)


def test_the_least_share_that_recovers_enough(tiny, monkeypatch):
    """0.9 of 80 % are asked for: 71.9 at the share of 0.1 are too few, 72 at that of 0.3 are enough."""
    seen = iter([80.0, 71.9, 72.0])
    monkeypatch.setattr(type(tiny.task), "glance", lambda *given: {"acc": next(seen)})
    own = {"forget_loss": "uniform_ce", "remind_epochs": 1, "remind_lr": RATE, "distillation": 0.0}
    own |= {"temperature": 1.0, "shares": (0.1, 0.3, 0.7), "keep": 0.9}
    steps = []
    monkeypatch.setattr(step_size, "write", lambda model, weights, mask: steps.append(weights))
    method = Subgroup(**RECIPE | {"parameters": r"^clip\.visual.proj"}, **own)
    method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    start, *tried = (weights["clip.visual.proj"] for weights in steps)
    assert len(tried) == 2
    torch.testing.assert_close((tried[1] - start) / 0.7, (tried[0] - start) / 0.9, rtol=1e-4, atol=1e-5)
