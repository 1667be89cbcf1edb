"""What is asked of every method that is tried on `tiny_clip`."""

import copy

import torch
from tiny_clip import TinyProblem

from unlearn_cli.methods.clip.memorize_forget import memorize_and_forget
from unlearn_cli.models.delta import DELTA, load_delta, names_in, save_delta


def changed(before, after) -> set[str]:
    """Names of the tensors of `before` that are not bit for bit the same in `after`."""
    new = after.state_dict()
    return {name for name, tensor in before.state_dict().items() if not torch.equal(tensor, new[name])}


@torch.no_grad()
def losses(tiny: TinyProblem, model) -> tuple[float, float]:
    """L_memorize and L_forget over all rows."""
    batch = tiny.batch(tiny.sets.train)
    terms = memorize_and_forget(model.eval()(batch.x), batch, "uniform_ce")
    return float(terms["retain"]), float(terms["forget"])


def unlearns(tiny: TinyProblem, before, after, memorized: float = 0.0) -> None:
    """The forget loss has fallen, and that of what is kept by `memorized` at least."""
    (retain, forget), (retain_after, forget_after) = losses(tiny, before), losses(tiny, after)
    assert forget_after < 0.9 * forget, (forget, forget_after)
    assert retain_after < retain - memorized, (retain, retain_after)


@torch.no_grad()
def survives_a_delta(tiny: TinyProblem, method, before, after) -> set[str]:
    """The delta, put into a copy of the original, gives the same logits. Names in the delta."""
    save_delta(tiny.folder / DELTA, after, before, {"method": "it"})
    torch.manual_seed(99)  # what is restored begins otherwise than what was trained
    restored = method.restored(copy.deepcopy(before), tiny.folder)
    load_delta(restored, tiny.folder / DELTA)
    x = tiny.batch(tiny.sets.train).x
    torch.testing.assert_close(restored.eval()(x), after.eval()(x), rtol=0, atol=0)
    assert not torch.equal(after(x), before.eval()(x))
    return set(names_in(tiny.folder / DELTA))
