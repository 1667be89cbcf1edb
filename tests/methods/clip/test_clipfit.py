"""CLIPFit: which parameters move, and that the class embeddings are held."""

import pytest
import torch
from clip_checks import changed, survives_a_delta, unlearns
from omegaconf import OmegaConf
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.clipfit import CLIPFit, drift

SETTINGS = ADAM | {
    "epochs": 15,
    "lr": 0.03,
    "forget_loss": "uniform_ce",
    "parameters": OmegaConf.load(conf_folder() / "method" / "clipfit.yaml").parameters,
    "distillation_weight": 1.0,
}
BIASES = {f"clip.transformer.resblocks.{block}.mlp.c_proj.bias" for block in range(2)}
NORMS = [
    "ln_pre",
    "ln_post",
    *(f"transformer.resblocks.{block}.ln_{n}" for block in range(3) for n in (1, 2)),
]
TUNED = BIASES | {f"clip.visual.{norm}.{kind}" for norm in NORMS for kind in ("weight", "bias")}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def clipfit(**changes):
    return CLIPFit(**SETTINGS | changes)


def test_it_forgets_by_biases_and_norms_alone(tiny):
    before, method = tiny.model(), clipfit()
    after = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    unlearns(tiny, before, after)
    assert changed(before, after) == TUNED
    assert survives_a_delta(tiny, method, before, after) == TUNED


def test_the_distillation_is_nothing_at_the_start_and_holds_the_texts(tiny):
    def distance(folder, weight, **changes):
        trainer = tiny.trainer_in(tiny.folder / folder)
        method = clipfit(distillation_weight=weight, **changes)
        after = method.unlearn(tiny.task, tiny.model(), tiny.sets, trainer)
        with torch.no_grad():
            found = drift(after.class_features(), tiny.model().class_features())
        return float(found), trainer.history

    _, history = distance("first", 8.0, epochs=1, max_steps=1)
    assert history[0]["loss/distillation"] == pytest.approx(0, abs=1e-5)
    free, _ = distance("free", 0.0)
    held, history = distance("held", 100.0)
    assert held < 0.2 * free
    assert history[-1]["loss/distillation"] == pytest.approx(100 * held, rel=0.5)


def test_the_distance_of_class_embeddings():
    before = torch.eye(2)
    assert float(drift(before, before)) == 0
    after = torch.tensor([[0.6, 0.8], [-1.0, 0.0]])
    assert float(drift(after, before)) == pytest.approx(1 - (0.6 + 0) / 2)


def test_parameters_that_are_not_there_are_refused(tiny):
    with pytest.raises(InputError, match=r"^method\.parameters: no parameter's name holds 'lora'"):
        clipfit(parameters="lora").check(tiny.task, tiny.model(), tiny.data, tiny.sets)
