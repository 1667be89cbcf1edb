"""LP++: a linear classifier blended with texts (Huang et al., CVPR 2024), by its released program."""

import copy

import numpy as np
import pytest
import torch
from scipy.linalg import eigh

from parity.clip.towers import forget, images, pixels, remember, texts
from parity.steps import RECIPE
from unlearn_cli.methods.clip.lp_plus_plus import LPPlusPlus

FULL = RECIPE | {"batch_size": 100, "weight_decay": 0.0}
OWN = {"forget_loss": "neg_entropy", "prototypes": 1.0, "alpha_every": 10, "alpha_gradient": "release"}


def embedded(tiny):
    """Of images and of texts."""
    model = tiny.model()
    with torch.no_grad():
        f = images(model.clip, pixels(tiny, np.arange(12)))
        return f, texts(model.clip, model.tokenizer([f"a {name}" for name in tiny.data.classes]))


def unlearned(tiny, folder="run", **changes):
    method = LPPlusPlus(**FULL | OWN | changes)
    trainer = tiny.trainer_in(tiny.folder / folder)
    return method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer).adapter


def test_the_start(tiny):
    """w: the sum over shots; α: 250 times the mean over classes of their images' mean with their text; the
    bias as of nn.Linear. Shots are those to be kept."""
    f, t = embedded(tiny)
    found = unlearned(tiny, lr=1e-20, epochs=1)
    for c in range(3):
        torch.testing.assert_close(found.w[c], f[6 + c] + f[9 + c], rtol=1e-5, atol=1e-6)
    alpha = 250 * np.mean([float((f[6 + c] + f[9 + c]) @ t[c] / 2) for c in range(3)])
    torch.testing.assert_close(found.alpha, torch.full((3,), alpha), rtol=1e-5, atol=1e-5)
    tiny.trainer.seeded("adapter")
    torch.testing.assert_close(found.bias.detach(), (2 * torch.rand(3) - 1) * 8**-0.5, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("gradient", ["release", "last"])
@pytest.mark.parametrize("rate", [0.37, 0.21])
def test_steps_as_released(tiny, gradient, rate):
    """25 full-batch steps: SGD with momentum for w and b; α at the tenth and twentieth, against the sum of
    all its gradients so far, which the program never clears (or, as described, that step's own)."""
    f, t = embedded(tiny)
    start = unlearned(tiny, "start", lr=1e-20, epochs=1)
    found = unlearned(tiny, lr=rate, epochs=25, alpha_gradient=gradient)
    w, b, alpha = (copy.deepcopy(p.detach()).requires_grad_() for p in (start.w, start.bias, start.alpha))
    largest = max(eigh((f.T @ f).double().numpy())[0])
    w_rate = rate * 4 * len(f) / largest
    alpha_rate = rate * len(f) / (4 * max(float(((f @ t[c]) ** 2).sum()) for c in range(3)))
    y, optimizer = torch.arange(12) % 3, torch.optim.SGD([w, b], w_rate, momentum=0.7)
    for step in range(25):
        if gradient == "last":
            alpha.grad = None
        logits = f @ w.T + b + alpha * (f @ t.T)
        optimizer.zero_grad()
        (remember(logits[6:], y[6:]) + forget(logits[:6], "neg_entropy")).backward()
        optimizer.step()
        if (step + 1) % 10 == 0:
            alpha.data -= alpha_rate * alpha.grad
    for one, other in ((found.w, w), (found.bias, b), (found.alpha, alpha)):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(alpha, start.alpha, rtol=1e-4)


def test_logits_of_new_images(tiny):
    """No scale of CLIP's: it is within α."""
    model, (f, t) = tiny.model(), embedded(tiny)
    model.adapter = unlearned(tiny, epochs=11)
    w, b, alpha = model.adapter.w, model.adapter.bias, model.adapter.alpha
    expected = torch.stack([torch.stack([x @ (w[c] + alpha[c] * t[c]) + b[c] for c in range(3)]) for x in f])
    torch.testing.assert_close(model(pixels(tiny, np.arange(12))), expected, rtol=1e-5, atol=1e-5)
