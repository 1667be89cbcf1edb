"""Training of what is attached to a CLIP, by a method and by a test."""

import copy

from parity.steps import assert_same, repeated, watched
from unlearn_cli.methods.clip.adu import ADU


def trains_as(tiny, method, loss) -> None:
    """The method's steps on the tiny problem are those of the loss(model, rows, number of the step)."""
    original = tiny.model()
    steps = watched(tiny.trainer)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    start = attached(tiny, method)
    names = [name for name, _ in start.named_parameters() if name.startswith("adapter.")]
    assert len(steps["unlearn"]) == 4
    assert_same(found, repeated(copy.deepcopy(start), names, steps["unlearn"], loss), start, names)
    for name, parameter in original.named_parameters():
        assert (found.get_parameter(name) == parameter).all(), name


def attached(tiny, method):
    """The original with the adapter that the method begins with."""
    model = tiny.model()  # which draws from a seed of its own
    tiny.trainer.seeded("adapter")
    if isinstance(method, ADU):
        model.adapter = method.adapter(model, 2)
        return model
    return method.attached(model)
