"""ESD's target, what it draws, and what it leaves alone."""

import pytest
import torch
from tiny_diffusion import ADAM, SAMPLER, Recorder, TinyDiffusion
from tiny_text import TinyText, moved

from unlearn_cli.errors import InputError
from unlearn_cli.methods.diffusion.esd import ESD
from unlearn_cli.methods.diffusion.words import erased

SETTINGS = {"eta": 1.5, "erase": "prompt", "erase_from": "nothing", "sampler": SAMPLER}


@pytest.fixture
def tiny(tmp_path):
    return TinyDiffusion(tmp_path)


def esd(**changes):
    return ESD(**ADAM | SETTINGS | changes)


def test_the_target_is_the_original_pushed_away_from_the_class(tiny):
    """Against x_t by hand: DDIM with guidance 2 from the same noise, down to the same random step."""
    original, student = tiny.model(), tiny.model(seed=2)
    recorder, batch = Recorder(tiny.trainer), tiny.batch(tiny.sets.forget)
    esd().unlearn(tiny.task, original, tiny.sets, recorder)

    torch.manual_seed(5)
    found = recorder.objective(student, batch)

    torch.manual_seed(5)
    step, x = int(torch.randint(3, ())), torch.randn(4, 1, 4, 4)
    assert step > 0
    null = torch.full_like(batch.y, 3)
    with torch.no_grad():
        process = original.process
        process.set_timesteps(3)
        for t in process.timesteps[:step]:
            at = t.expand(4)
            output = 3 * original(x, at, batch.y) - 2 * original(x, at, null)
            x = process.step(output, t, x, eta=0.0).prev_sample
        at = process.timesteps[step].expand(4)
        conditional, free = original(x, at, batch.y), original(x, at, null)
        target = free - 1.5 * (conditional - free)
        expected = (student(x, at, batch.y) - target).square().mean()
    assert list(found) == ["forget"]
    torch.testing.assert_close(found["forget"].detach(), expected)


def test_the_original_itself_is_the_target_at_eta_zero(tiny):
    """Where the target begins at its prediction."""
    recorder, model = Recorder(tiny.trainer), tiny.model()
    esd(eta=0.0, erase_from="prompt").unlearn(tiny.task, model, tiny.sets, recorder)
    torch.manual_seed(0)
    assert recorder.objective(model, tiny.batch(tiny.sets.forget))["forget"].item() == pytest.approx(0)


def test_the_teacher_stays_the_original(tiny):
    recorder, model = Recorder(tiny.trainer), tiny.model()
    esd(eta=0.0, erase_from="prompt").unlearn(tiny.task, model, tiny.sets, recorder)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1)
    torch.manual_seed(0)
    assert recorder.objective(model, tiny.batch(tiny.sets.forget))["forget"].item() > 1e-3


def test_only_labels_of_the_forget_set_are_seen(tiny, tmp_path):
    """Other images, equal labels: the same model; and the loss falls."""
    other = TinyDiffusion(tmp_path / "other", seed=9)
    models = [
        esd(epochs=3).unlearn(world.task, world.model(), world.sets, world.trainer) for world in (tiny, other)
    ]
    for name, p in models[0].named_parameters():
        assert torch.equal(p, models[1].get_parameter(name))
    losses = [row["loss/forget"] for row in tiny.trainer.history]
    assert losses[-1] < losses[0]


def test_without_label_drop_there_is_nothing_to_steer_by(tiny):
    with pytest.raises(InputError, match=r"^method: .* set model.label_drop=0.1$"):
        esd().check(tiny.task, tiny.model(label_drop=0.0), tiny.data, tiny.sets)
    esd().check(tiny.task, tiny.model(), tiny.data, tiny.sets)


def test_a_concept_is_erased_where_its_words_are_known(tiny, tmp_path):
    with pytest.raises(
        InputError, match=r"^method\.erase: concept needs forget=concept .* method\.erase=prompt$"
    ):
        esd(erase="concept").check(tiny.task, tiny.model(), tiny.data, tiny.sets)
    text = TinyText(tmp_path / "text")
    esd(erase="concept").check(text.task, text.model(), text.data, text.sets)
    assert text.model().prompts[:1] == ["red dotted wall"]
    found = erased("concept", model := text.model(), text.sets, torch.tensor([1, 0]))
    assert [model.prompts[number] for number in found.tolist()] == ["dotted", "dotted"]


@pytest.mark.parametrize(
    ("variant", "pattern"),
    [("x", "attn2"), ("x-strict", r"attn2\.to_(k|v)"), ("u", r"^unet\.(?!.*attn2)"), ("all", "^unet")],
)
def test_the_variants_are_choices_of_parameters(tmp_path, variant, pattern):
    """On text-to-image; u leaves out cross-attention, and no variant moves the text encoder."""
    text = TinyText(tmp_path)
    start, model = text.model(), text.model()
    method = esd(parameters=pattern, batch_size=4)
    chosen = set(method.trained_names(start))
    after = method.unlearn(text.task, model, text.sets, text.trainer)
    changed = moved(start, after)
    of_cross = {name for name in changed if "attn2" in name}
    assert changed == chosen
    assert all(name.startswith("unet.") for name in changed)
    assert bool(of_cross) == (variant != "u")
    assert bool(changed - of_cross) == (variant in ("u", "all"))
