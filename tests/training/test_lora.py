"""LoRA: what is trained, what is left after merging, and who may not ask for it."""

import copy

import pytest
import torch
from tiny_clip import TinyProblem as ClipProblem
from tiny_vlm import ADAM, TinyProblem

from unlearn_cli.errors import InputError, Preempted
from unlearn_cli.methods.vlm.graddiff import GradientDifference
from unlearn_cli.training.checkpoint import Checkpoint
from unlearn_cli.training.lora import Lora, NoLora

SETTINGS = {"rank": 2, "alpha": 4, "dropout": 0.0, "targets": ["q_proj", "v_proj"]}
GRADDIFF = GradientDifference(**ADAM, forget_weight=1.0, retain_weight=1.0, order="joint")


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def lora(**changes):
    return Lora(**SETTINGS | changes)


def unlearned(tiny, model, trainer=None, **changes):
    adapters = lora(**changes)
    adapters.attach(model, seed=0)
    model = GRADDIFF.unlearn(tiny.task, model, tiny.sets, trainer or tiny.trainer)
    adapters.merge(model)
    return model


def changed(before, after):
    """Differences by name, of the tensors that differ."""
    new = after.state_dict()
    assert list(new) == list(before.state_dict())
    return {
        name: new[name] - old for name, old in before.state_dict().items() if not torch.equal(old, new[name])
    }


def test_only_targets_change_by_an_update_of_so_low_a_rank(tiny):
    before = tiny.model()
    after = unlearned(tiny, tiny.model())
    updates = changed(before, after)
    named = {name for name in before.state_dict() if name.endswith(("q_proj.weight", "v_proj.weight"))}
    unread = {name for name in named if "vision_tower.encoder.layers.2" in name}  # LLaVA's last layer
    assert set(updates) == named - unread
    for update in updates.values():
        values = torch.linalg.svdvals(update.double())
        assert values[2] < 1e-4 * values[0]


def test_the_update_is_scaled_by_alpha_over_rank(tiny):
    model = tiny.model()
    lora(dropout=0.1).attach(model, seed=0)
    layers = [
        layer for layer in model.net.modules() if hasattr(layer, "scaling") and hasattr(layer, "lora_A")
    ]
    assert {layer.scaling["default"] for layer in layers} == {4 / 2}
    assert {layer.lora_dropout["default"].p for layer in layers} == {0.1}


def test_a_regular_expression_names_layers(tiny):
    pattern = r".*language_model\.layers\.1\.mlp\.(up|down)_proj"
    updates = changed(tiny.model(), unlearned(tiny, tiny.model(), targets=pattern))
    assert {name.removeprefix("net.model.") for name in updates} == {
        f"language_model.layers.1.mlp.{part}_proj.weight" for part in ("up", "down")
    }


def test_attaching_changes_nothing_and_merging_leaves_an_ordinary_model(tiny):
    before, model = tiny.model(), tiny.model()
    batch = tiny.batch(tiny.sets.train)
    lora().attach(model, seed=0)
    with torch.no_grad():
        torch.testing.assert_close(
            tiny.task.loss(model, batch), tiny.task.loss(before, batch), rtol=0, atol=0
        )
    trained = GRADDIFF.trained_names(model)
    assert trained
    assert all("lora_" in name for name in trained)
    lora().merge(model)
    assert vars(model).keys() == vars(before).keys()
    assert vars(model.net).keys() == vars(before.net).keys()
    assert model.trained_by_default == before.trained_by_default
    kinds = [[(name, type(part)) for name, part in one.named_modules()] for one in (model, before)]
    assert kinds[0] == kinds[1]
    assert changed(before, model) == {}


def test_what_was_trained_is_what_is_merged(tiny):
    model, batch = tiny.model(), tiny.batch(tiny.sets.train)
    lora().attach(model, seed=0)
    model = GRADDIFF.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    with torch.no_grad():
        adapted = tiny.task.loss(model, batch)
        original = tiny.task.loss(tiny.model(), batch)
        lora().merge(model)
        torch.testing.assert_close(tiny.task.loss(model, batch), adapted, rtol=0, atol=1e-5)
    assert (adapted - original).abs().max() > 1e-3


def test_a_copy_has_adapters_of_its_own(tiny):
    model = tiny.model()
    lora().attach(model, seed=0)
    other = copy.deepcopy(model)
    other = GRADDIFF.unlearn(tiny.task, other, tiny.sets, tiny.trainer)
    for one in (model, other):
        lora().merge(one)
    assert changed(tiny.model(), model) == {}
    assert changed(tiny.model(), other)


def test_weights_of_bf16_keep_their_precision(tiny):
    model = tiny.model()
    model.net.to(torch.bfloat16)
    before = copy.deepcopy(model)
    lora().attach(model, seed=0)
    assert {model.get_parameter(name).dtype for name in GRADDIFF.trained_names(model)} == {torch.float32}
    model = GRADDIFF.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    lora().merge(model)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    assert changed(before, model)


def test_under_autocast(tiny, tmp_path):
    trainer = tiny.trainer_in(tmp_path / "bf16", precision="bf16")
    updates = changed(tiny.model(), unlearned(tiny, tiny.model(), trainer))
    assert updates
    assert all(update.isfinite().all() for update in updates.values())


def test_the_seed_draws_the_adapters(tiny):
    models = [tiny.model() for _ in range(3)]
    for model, seed in zip(models, (0, 0, 1), strict=True):
        lora().attach(model, seed)
    first, again, other = (
        torch.cat([p.flatten() for name, p in model.named_parameters() if "lora_A" in name])
        for model in models
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_killed_run_goes_on(tiny, tmp_path, monkeypatch):
    whole = unlearned(tiny, tiny.model(), tiny.trainer_in(tmp_path / "whole"))
    trainer = tiny.trainer_in(tmp_path / "killed", checkpoint_minutes=0)
    save, steps = Checkpoint.save, []

    def killed(self, step, history, sums):
        save(self, step, history, sums)
        steps.append(step)
        if len(steps) == 3:
            raise Preempted("killed")

    monkeypatch.setattr(Checkpoint, "save", killed)
    with pytest.raises(Preempted):
        unlearned(tiny, tiny.model(), trainer)
    monkeypatch.undo()
    again = unlearned(tiny, tiny.model(), tiny.trainer_in(tmp_path / "killed"))
    assert changed(whole, again) == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": ["q_prog"]}, r"^lora\.targets: .* 'q_prog'; did you mean 'q_proj'\?$"),
        ({"targets": r".*\.q_prog"}, r"^lora\.targets: .*; they are like model\."),
        ({"targets": "(q_proj"}, r"^lora\.targets: no regular expression"),
    ],
)
def test_targets_must_be_there(tiny, changes, message):
    with pytest.raises(InputError, match=message):
        lora(**changes).check(tiny.task.name, tiny.model(), GRADDIFF, is_masked=False)


def test_who_may_not_ask_for_it(tiny, tmp_path):
    clip = ClipProblem(tmp_path / "clip")
    with pytest.raises(InputError, match=r"^lora: task=clip .* set lora=none$"):
        lora().check(clip.task.name, clip.model(), GRADDIFF, is_masked=False)
    with pytest.raises(InputError, match=r"^lora: .* set mask=none$"):
        lora().check(tiny.task.name, tiny.model(), GRADDIFF, is_masked=True)
    with pytest.raises(InputError, match=r"^lora: the method trains nothing"):
        lora().check(tiny.task.name, tiny.model(), None, is_masked=False)
    named = GradientDifference(**GRADDIFF.model_dump() | {"parameters": "lm_head"})
    with pytest.raises(InputError, match=r"^method\.parameters: "):
        lora().check(tiny.task.name, tiny.model(), named, is_masked=False)
    lora().check(tiny.task.name, tiny.model(), GRADDIFF, is_masked=False)
    NoLora().check(clip.task.name, clip.model(), named, is_masked=True)


def test_none_leaves_the_model_alone(tiny):
    model = tiny.model()
    NoLora().attach(model, seed=0)
    NoLora().merge(model)
    assert changed(tiny.model(), model) == {}
