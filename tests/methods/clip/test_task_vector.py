"""Task-vector negation: by the equation, and what NegMerge leaves of several vectors."""

import pytest
import torch
from clip_checks import changed
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.methods.clip.step_size import weights
from unlearn_cli.methods.clip.task_vector import TaskVector, agreed

SETTINGS = {"vectors": 1, "lr_ratio": 1.0, "scales": (0.5,), "keep": 0.0, "parameters": r"^clip\.visual"}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def task_vector(**changes):
    return TaskVector(**ADAM | SETTINGS | changes)


def vector_of(method, tiny, folder, number=0):
    """τ, by itself."""
    model = tiny.model()
    start = weights(model, method.trained_names(model))
    found = method.vector(tiny.task, model, tiny.sets, tiny.trainer_in(tiny.folder / folder), start, number)
    assert not changed(tiny.model(), model)  # the model is the original again
    return found


def test_by_the_equation(tiny):
    """θ' = θ_o − α·τ in the image tower, and nothing else moves."""
    method, start = task_vector(), tiny.model()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    vector = vector_of(method, tiny, "again")
    assert changed(start, after)
    assert changed(start, after) <= set(vector)
    assert all(name.startswith("clip.visual.") for name in vector)
    for name, part in vector.items():
        expected = start.get_parameter(name) - 0.5 * part
        torch.testing.assert_close(after.get_parameter(name), expected, rtol=0, atol=1e-7)


def test_it_is_fine_tuned_on_the_forget_set_alone(tiny):
    task_vector(epochs=8).unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    losses = [row["loss/forget"] for row in tiny.trainer.history]
    assert losses[-1] < losses[0]
    assert tiny.trainer.cost.backwards == 8 * len(tiny.sets.forget)


def test_alpha_0_is_the_original(tiny):
    method = task_vector().model_copy(update={"scales": (0.0,)})  # alone it is refused
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    assert not changed(tiny.model(), after)


def test_only_signs_that_agree_are_merged():
    merged = agreed([torch.tensor([1.0, 1.0, -2.0, 0.0, 3.0]), torch.tensor([3.0, -1.0, -4.0, 0.0, 0.0])])
    assert merged.tolist() == [2.0, 0.0, -3.0, 0.0, 0.0]
    single = torch.tensor([1.0, -1.0])
    assert torch.equal(agreed([single]), single)


def test_where_signs_differ_the_original_stays(tiny):
    method, start = task_vector(vectors=2, lr_ratio=0.5, scales=(1.0,), batch_size=2), tiny.model()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    first, second = (vector_of(method, tiny, f"again{number}", number) for number in (0, 1))
    kept = 0
    for name in first:
        apart = first[name].sign() != second[name].sign()
        before, now = start.get_parameter(name), after.get_parameter(name)
        assert torch.equal(now[apart], before[apart])
        kept += int(apart.sum())
    assert 0 < kept < sum(part.numel() for part in first.values())
    size = [sum(float(part.abs().sum()) for part in vector.values()) for vector in (first, second)]
    assert size[1] < 0.8 * size[0]  # half the rate
