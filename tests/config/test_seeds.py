"""Seeds by stage: which numbers are the same, and which folder is whose."""

import pytest

from unlearn_cli.config.composing import composed
from unlearn_cli.config.seeds import Seeds, by_training, stage_seeds
from unlearn_cli.config.variants import determining, unseeded
from unlearn_cli.experiment import Experiment, read


def experiment(*arguments: str) -> Experiment:
    return read(*composed(arguments))


def test_one_seed_sets_all_and_each_may_differ():
    assert experiment("seed=3").seeds == Seeds(3, 3, 3, 3)
    assert experiment("seed=3", "train.seed=1", "eval.seed=0").seeds == Seeds(1, 3, 0, 3)
    assert experiment("seed=3", "forget.seed=2", "method.seed=null").seeds == Seeds(3, 3, 3, 2)
    assert experiment("forget=class", "seed=4").seeds.forget == 4


def test_equal_seeds_are_one_run_however_they_are_given():
    same = experiment("seed=1")
    spelt = experiment("train.seed=1", "method.seed=1", "eval.seed=1", "forget.seed=1")
    assert same.folder == spelt.folder
    assert same.folder.name.startswith("salun-s1-")
    other = experiment("seed=1", "method.seed=0")
    assert other.folder.name.startswith("salun-s1-m0-")
    assert len({same.identity.key, other.identity.key, experiment("seed=1", "eval.seed=0").identity.key}) == 3


def test_an_earlier_version_s_configuration_is_the_same_run():
    now = experiment("seed=2")
    before = now.config | {"oracle": "auto"}
    for stage in ("train", "method", "eval"):
        before[stage] = {key: value for key, value in before[stage].items() if key != "seed"}
    assert stage_seeds(before) == {"train": 2, "method": 2, "eval": 2}
    assert determining(before) == determining(now.config)


def test_a_run_of_a_nested_design_shares_what_precedes_its_method():
    one, other = (by_training(experiment(f"method.seed={seed}").config) for seed in (0, 1))
    assert one.pop("method") != other.pop("method")
    assert one == other


def test_repetitions_and_numbers_of_oracles_make_no_variant():
    several = experiment("oracle.count=3", "method.seed=1", "eval.seed=2", "train.seed=4")
    assert unseeded(several.config) == unseeded(experiment().config)
    assert several.identity.key != experiment("method.seed=1", "eval.seed=2", "train.seed=4").identity.key


@pytest.mark.parametrize(
    ("typed", "compare", "count"),
    [
        (["oracle=false"], False, 1),
        (["oracle=true", "oracle.count=3"], True, 3),
        (["oracle.count=2", "oracle=auto"], "auto", 2),
        ([], "auto", 1),
    ],
)
def test_the_short_spelling_of_oracle(typed, compare, count):
    found = experiment(*typed).oracle
    assert (found.compare, found.count) == (compare, count)
