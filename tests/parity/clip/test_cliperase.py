"""CLIPErase: λ_f·cos + λ_r·InfoNCE + λ_c·KL (Yang et al., ACL 2025), written from the standard form."""

import copy

import torch

from parity.clip.towers import images, pixels, texts
from parity.steps import RECIPE, assert_same, repeated, watched
from unlearn_cli.methods.clip.cliperase import CLIPErase

FORGET, RETAIN, CONSISTENCY, RATE = 1.7, 0.6, 2.3, 0.1


def test_steps(tiny):
    start = tiny.model()
    names = [name for name, _ in start.named_parameters() if name.startswith("clip.visual.")]
    tokens = start.tokenizer([f"a {name}" for name in tiny.data.classes])

    def pairs(model, rows):
        y = torch.from_numpy(rows % 3)
        return images(model.clip, pixels(tiny, rows)), texts(model.clip, tokens)[y], y

    def loss(model, rows, number):
        gone, kept = rows[rows < 6], rows[rows >= 6]
        f, t, _ = pairs(model, gone)
        value = FORGET * torch.stack([one @ other for one, other in zip(f, t, strict=True)]).mean()
        f, t, y = pairs(model, kept)
        s = model.clip.logit_scale.exp() * f @ t.T
        same = (y[:, None] == y[None]).float()
        target = same / same.sum(1, keepdim=True)
        over_texts, over_images = s.log_softmax(1), s.log_softmax(0)
        value = value - RETAIN * ((target * over_texts).sum() + (target * over_images.T).sum()) / (2 * len(y))
        with torch.no_grad():
            f, t, _ = pairs(start, kept)
            before = (start.clip.logit_scale.exp() * f @ t.T).log_softmax(1)
        return value + CONSISTENCY * (before.exp() * (before - over_texts)).sum() / len(y)

    steps = watched(tiny.trainer)
    weights = {"forget_weight": FORGET, "retain_weight": RETAIN, "consistency_weight": CONSISTENCY}
    method = CLIPErase(**RECIPE | {"parameters": r"^clip\.visual", "lr": RATE}, **weights)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    again = repeated(copy.deepcopy(start), names, steps["unlearn"], loss, lr=RATE)
    assert_same(found, again, start, names)
