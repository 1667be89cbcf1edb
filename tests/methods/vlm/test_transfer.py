"""Transfer: the edits of an earlier run at work elsewhere."""

import pytest
import torch
import yaml
from intervention_problem import LAST, LAYER, METHODS, PROJECTOR, WIDE, logits

from unlearn_cli.errors import InputError
from unlearn_cli.methods.vlm.transfer import Transfer
from unlearn_cli.sae.attachment import hook_of
from unlearn_cli.storage.run_folder import CONFIG


def run_of(method, kind):
    """What a run folder tells of its method."""
    values = {"_target_": f"{kind.__module__}.{kind.__qualname__}", **method.model_dump(mode="json")}
    return yaml.safe_dump({"method": values})


@pytest.mark.parametrize("name", ["sauce", "leace"])
def test_transfer_does_what_the_run_did_and_refuses_another_width(tiny, name):
    method, model = METHODS[name](), tiny.model()
    method.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    (tiny.folder / CONFIG).write_text(run_of(method, type(method)))
    same = Transfer(path=tiny.folder, layer=None)
    other = tiny.model()
    same.check(tiny.task, other, tiny.data, tiny.sets)
    assert torch.equal(logits(tiny, other), logits(tiny, tiny.model()))  # the check leaves no trace
    assert torch.equal(
        logits(tiny, same.unlearn(tiny.task, other, tiny.sets, tiny.trainer)), logits(tiny, model)
    )
    projector = Transfer(path=tiny.folder, layer=PROJECTOR).unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    assert hook_of(projector.net.get_submodule(PROJECTOR)) is not None
    assert hook_of(projector.net.get_submodule(LAYER)) is None
    for layer, said in (
        (WIDE, r"^method\.path: .*of length 16, the layer's have 32"),
        (f"{LAYER}x", rf"^method\.layer: the model has no '{LAYER}x'; did you mean '{LAYER}'\?"),
        (LAST, rf"^method\.layer: nothing reads what '{LAST}' puts out; leave it null"),
    ):
        with pytest.raises(InputError, match=said):
            Transfer(path=tiny.folder, layer=layer).check(tiny.task, tiny.model(), tiny.data, tiny.sets)
