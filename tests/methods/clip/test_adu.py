"""ADU: its terms by hand, what they do to embeddings, and what of the model they leave alone."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from tiny_clip import ADAM, TinyProblem

from unlearn_cli.data.batch import Batch
from unlearn_cli.errors import InputError
from unlearn_cli.methods.clip.adu import ADU, mmd, numbered
from unlearn_cli.methods.clip.memorize_forget import memorize_and_forget
from unlearn_cli.models.delta import DELTA, load_delta, save_delta

SETTINGS = ADAM | {
    "forget_loss": "uniform_ce",
    "domain_weight": 1.0,
    "mmd_weight": 1.0,
    "mmd_on": "features",
    "head_scale": 10.0,
    "prompts": 2,
    "depth": 2,
    "instance_layer": 2,
    "text_prompts": 0,
    "text_depth": 1,
}


@pytest.fixture
def tiny(tmp_path):
    return TinyProblem(tmp_path)


def batch(forget):
    forget = torch.tensor(forget)
    y = torch.zeros(len(forget), dtype=torch.long)
    return Batch(torch.zeros(len(forget), 3, 1, 1), y, torch.arange(len(forget)), forget)


def test_losses_of_memorising_and_forgetting_by_hand():
    logits = torch.tensor([[math.log(3.0), 0.0], [math.log(3.0), 0.0], [0.0, 0.0]])
    found = memorize_and_forget(logits, batch([False, True, True]), "uniform_ce")
    assert float(found["retain"]) == pytest.approx(-math.log(0.75))
    one = -(math.log(0.75) + math.log(0.25)) / 2
    assert float(found["forget"]) == pytest.approx((one + math.log(2)) / 2)
    entropies = [-(0.75 * math.log(0.75) + 0.25 * math.log(0.25)), math.log(2)]
    found = memorize_and_forget(logits, batch([False, True, True]), "neg_entropy")
    assert float(found["forget"]) == pytest.approx(-sum(entropies) / 2, abs=1e-4)


def test_a_term_without_rows_is_nothing():
    found = memorize_and_forget(torch.randn(2, 3), batch([True, True]), "uniform_ce")
    assert float(found["retain"]) == 0


def test_mmd_by_hand():
    x = torch.tensor([[0.0], [1.0], [3.0], [4.0]])
    domains = torch.tensor([0, 0, 1, 1])
    # distances between the two: 3, 4, 2, 3, so sigma is 3
    k = lambda d: math.exp(-(d**2) / 18)  # noqa: E731
    within, between = (2 + 2 * k(1)) / 4, (k(3) + k(4) + k(2) + k(3)) / 4
    assert float(mmd(x, domains)) == pytest.approx(2 * within - 2 * between)


def test_mmd_is_the_mean_over_pairs_and_skips_lone_samples():
    x, domains = torch.randn(7, 3), torch.tensor([0, 0, 1, 1, 2, 2, 3])
    pairs = [mmd(x[where], domains[where]) for where in (domains.ne(d) & domains.ne(3) for d in range(3))]
    torch.testing.assert_close(mmd(x, domains), torch.stack(pairs).mean())
    assert float(mmd(x[:1], domains[:1])) == 0


def test_domains_are_those_told_else_whether_to_be_forgotten(tiny):
    assert numbered(tiny.sets, 12).tolist() == [0] * 6 + [1] * 6
    no_domains = copy.copy(tiny.sets)
    object.__setattr__(no_domains, "groups", tiny.sets.groups[:0])
    assert numbered(no_domains, 12).tolist() == [1] * 6 + [0] * 6


@pytest.mark.parametrize(
    ("changes", "trained"),
    [
        ({}, {"visual", "head"}),
        ({"domain_weight": 0.0, "instance_layer": None}, {"visual"}),
        ({"text_prompts": 2}, {"visual", "head", "text"}),
        ({"mmd_on": "domain_logits", "forget_loss": "neg_entropy"}, {"visual", "head"}),
    ],
)
def test_only_the_methods_own_parameters_move(tiny, changes, trained):
    original = tiny.model()
    model = ADU(**SETTINGS | changes).unlearn(tiny.task, copy.deepcopy(original), tiny.sets, tiny.trainer)
    own = dict(model.named_parameters())
    for name, parameter in original.named_parameters():
        assert torch.equal(own[name], parameter), name
    attached = {name.split(".")[1] for name in own if name.startswith("adapter.")}
    assert attached == trained
    fresh = ADU(**SETTINGS | changes).adapter(tiny.model(), 2).state_dict()
    torch.manual_seed(0)
    assert all(name.removeprefix("adapter.") in fresh for name in own if name.startswith("adapter."))


def test_unlearning_makes_forget_images_uncertain_and_domains_distant(tiny):
    model = tiny.model()
    images, where = tiny.batch(tiny.sets.train), torch.from_numpy(tiny.sets.groups)

    def measured():
        with torch.no_grad():
            features, p = model.image_features(images.x), model(images.x).softmax(1)
        entropy = -(p * p.log()).sum(1)
        right = F.cross_entropy(model.adapter.head(10 * features), where) if model.adapter.head else None
        return entropy[:6].mean(), mmd(features, where), right

    torch.manual_seed(0)
    with torch.no_grad():
        model.clip.logit_scale.fill_(math.log(30.0))  # so that the model is sure of something
    settings = ADU(**SETTINGS | {"epochs": 30, "lr": 3e-3, "head_scale": 10.0})
    model.adapter = settings.adapter(model, 2)
    before = measured()
    model = settings.unlearn(tiny.task, model, tiny.sets, tiny.trainer)
    after = measured()
    assert after[0] > before[0]
    assert after[1] > before[1]
    assert after[2] < before[2]


def test_more_weight_on_mmd_drives_domains_further_apart(tiny):
    def distance(weight, folder):
        settings = ADU(**SETTINGS | {"mmd_weight": weight, "domain_weight": 0.0, "epochs": 20, "lr": 3e-3})
        trainer = tiny.trainer_in(tiny.folder / folder)
        model = settings.unlearn(tiny.task, tiny.model(), tiny.sets, trainer)
        with torch.no_grad():
            features = model.image_features(tiny.batch(tiny.sets.train).x)
        return mmd(features, torch.from_numpy(tiny.sets.groups))

    assert distance(10.0, "with") > distance(0.0, "without")


def test_a_finished_run_is_restored_from_its_delta(tiny, tmp_path):
    original, settings = tiny.model(), ADU(**SETTINGS)
    model = settings.unlearn(tiny.task, copy.deepcopy(original), tiny.sets, tiny.trainer)
    save_delta(tmp_path / DELTA, model, original, {})
    again = load_delta(settings.restored(copy.deepcopy(original), tmp_path), tmp_path / DELTA)
    x = tiny.batch(tiny.sets.train).x
    with torch.no_grad():
        assert torch.equal(again(x), model(x))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"depth": 4}, r"method\.depth: 4, but the model's visual tower has 3 blocks"),
        ({"instance_layer": 9}, r"method\.instance_layer: 9, but"),
        ({"text_prompts": 2, "text_depth": 3}, r"method\.text_depth: 3, but the model's text tower has 2"),
    ],
)
def test_prompts_deeper_than_the_tower_are_refused(tiny, changes, said):
    with pytest.raises(InputError, match=said):
        ADU(**SETTINGS | changes).check(tiny.task, tiny.model(), tiny.data, tiny.sets)
