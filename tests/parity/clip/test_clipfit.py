"""CLIPFit: biases of the text tower and LayerNorms of the other one (Li et al., EMNLP 2024; ADU's code)."""

import copy

from parity.clip.towers import both, images, pixels, texts
from parity.steps import RECIPE, assert_same, repeated, watched
from unlearn_cli.methods.clip.clipfit import CLIPFit

WEIGHT = 7.3


def test_steps_of_biases_and_norms(tiny):
    start = tiny.model()
    names = [
        name
        for name, _ in start.named_parameters()
        if ("visual" not in name and name.endswith("mlp.c_proj.bias"))
        or ("visual" in name and ".ln_" in name)
    ]
    assert len(names) == 2 + 2 * (2 + 3 * 2)
    tokens = start.tokenizer([f"a {name}" for name in tiny.data.classes])
    before = texts(start.clip, tokens).detach()

    def loss(model, rows, number):
        now = texts(model.clip, tokens)
        logits = model.clip.logit_scale.exp() * images(model.clip, pixels(tiny, rows)) @ now.T
        return both(tiny, logits, rows) + WEIGHT * (1 - (now * before).sum(1).mean())

    steps = watched(tiny.trainer)
    recipe = RECIPE | {"parameters": r"^clip\.transformer\..*mlp\.c_proj\.bias$|^clip\.visual\.(.*\.)?ln_"}
    method = CLIPFit(**recipe, forget_loss="uniform_ce", distillation_weight=WEIGHT)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert_same(found, repeated(copy.deepcopy(start), names, steps["unlearn"], loss), start, names)
