"""What attacks have in common: how successes are counted, that nothing moves, what is refused."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from listening_model import ATTACKS, PROMPTS, RED, SAMPLER, SECRET, listening_to
from recipes import PLAIN

from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.attacks.base import Attack, success_rates
from unlearn_cli.evaluation.attacks.relearn import Relearn
from unlearn_cli.evaluation.attacks.target import Target
from unlearn_cli.tasks.text_to_image import TextToImage as Task
from unlearn_cli.training.optim import Recipe


def test_relearning_counts_what_the_copy_draws_and_that_only(target):
    attack = ATTACKS["relearn"]
    assert attack.rate(target, torch.tensor([True, True])) == 100
    none = Relearn(samples=3, recipe=Recipe(**PLAIN | {"epochs": 1, "lr": 1e-6}))
    target.trainer.folder = target.trainer.folder / "other"
    target.trainer.folder.mkdir()
    assert none.rate(target, torch.tensor([True, True])) == 0


@pytest.mark.parametrize("name", ATTACKS)
def test_no_weight_moves(target, name):
    models = [target.model, target.original]
    target.model.unet.weight.requires_grad_(False)
    before = [[p.detach().clone() for p in one.parameters()] for one in models]
    wanted = [[p.requires_grad for p in one.parameters()] for one in models]
    ATTACKS[name].successes(target)
    assert [[p.requires_grad for p in one.parameters()] for one in models] == wanted
    for one, values in zip(models, before, strict=True):
        assert all(torch.equal(p, value) for p, value in zip(one.parameters(), values, strict=True))
        assert all(p.grad is None for p in one.parameters())


class OfPlaces(Attack):
    """Succeeds by the prompts at these places."""

    name = "of_places"
    places: list[int]

    def successes(self, target):
        return torch.from_numpy(np.isin(target.places, self.places))


@pytest.mark.parametrize(
    ("plain", "attacked", "rate"),
    [([0], [0, 2], 50), ([], [], 0), ([1, 3], [0, 2], 100), ([0, 1, 2, 3], [], 100)],
)
def test_rates_count_plain_successes_and_those_among_the_rest(trainer, plain, attacked, rate):
    def judge(images, places):
        return torch.from_numpy(np.isin(places, plain))

    models, places = (listening_to(SECRET), listening_to("red</w>")), np.arange(4)
    target = Target.of(
        Task(caption="{label}"), *models, trainer, SAMPLER, judge, PROMPTS, places, rows=places
    )
    found = success_rates({"mine": OfPlaces(places=attacked)}, target)
    assert found == {"pre_ASR": 25 * len(plain), "ASR_mine": rate}


def test_what_does_not_fit_is_refused_first(target):
    words, no_words = SimpleNamespace(concepts=(RED,)), SimpleNamespace(concepts=())
    for name, attack in ATTACKS.items():
        attack.check(target.model, words)
        if name in ("ring_a_bell", "cce"):
            with pytest.raises(InputError, match=rf"eval\.attacked: {name}"):
                attack.check(target.model, no_words)
        else:
            attack.check(target.model, no_words)
    with pytest.raises(InputError, match=r"eval\.attacks\.p4d\.tokens: 5, but a prompt has room for 4"):
        ATTACKS["p4d"].model_copy(update={"tokens": 5}).check(target.model, words)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("eval.attacked=[p4]", "eval.attacked: no attack 'p4'"),
        ("eval.judge=null", "eval.attacked: an attack succeeds if a judge sees the concept"),
        ("eval.attacks.cce.quick.lr=0", "eval.attacks.cce.quick.lr: "),
    ],
)
def test_wrong_settings_are_told_in_one_line(refused, given, told):
    assert refused("task=text_to_image", given).startswith(told)
