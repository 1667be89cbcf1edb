"""Task-vector negation (Ilharco et al., ICLR 2023) and NegMerge (Kim et al., 2024)."""

import copy

import torch

from parity.clip.towers import images, pixels, remember, texts
from parity.steps import RECIPE, assert_same, repeated, watched
from unlearn_cli.methods.clip.task_vector import TaskVector

ALPHA, RATIO = 0.83, 0.4
TOWER = {"parameters": r"^clip\.visual", "batch_size": 4}


def fine_tuned(tiny, start, names, steps, rate):
    tokens = start.tokenizer([f"a {name}" for name in tiny.data.classes])

    def loss(model, rows, number):
        assert (rows < 6).all()
        with torch.no_grad():
            t = texts(model.clip, tokens)
        s = model.clip.logit_scale.detach().exp()
        return remember(s * images(model.clip, pixels(tiny, rows)) @ t.T, torch.from_numpy(rows % 3))

    return repeated(copy.deepcopy(start), names, steps, loss, lr=rate)


def test_steps_and_what_is_left_of_several_vectors(tiny):
    """θ_o − α·τ; of two fine-tunings, the second at its own rate, τ is the mean where their signs agree."""
    for vectors in (1, 2):
        trainer, start = tiny.trainer_in(tiny.folder / f"{vectors}"), tiny.model()
        names = [name for name, _ in start.named_parameters() if name.startswith("clip.visual.")]
        stages = watched(trainer)
        own = {"vectors": vectors, "lr_ratio": RATIO, "scales": (ALPHA,), "keep": 0.0}
        method = TaskVector(**RECIPE | TOWER, **own)
        found = method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer)
        tuned = [
            fine_tuned(tiny, start, names, stages[f"vector{n + 1}"], RECIPE["lr"] * RATIO**n)
            for n in range(vectors)
        ]
        expected = copy.deepcopy(start)
        with torch.no_grad():
            for name in names:
                at = start.get_parameter(name)
                taus = torch.stack([model.get_parameter(name) - at for model in tuned])
                clear = taus.abs().amin(0) > 1e-6  # what hardly moved may have either sign
                tau = torch.where((taus > 0).all(0) | (taus < 0).all(0), taus.mean(0), 0.0)
                value = torch.where(clear, at - ALPHA * tau, found.get_parameter(name))
                expected.get_parameter(name).copy_(value)
        assert_same(found, expected, start, names)
