import pytest
from made_runs import ORIGINAL, made

from unlearn_cli.compare.keys import differing, where
from unlearn_cli.compare.records import find
from unlearn_cli.compare.settings import settings
from unlearn_cli.errors import InputError

SALIENCY = {"mask._target_": "Saliency", "mask.batch_size": 256}


@pytest.fixture
def runs(tmp_path):
    return lambda: find([tmp_path]).runs


def rows(setting):
    return {group.name: [run.result["seed"] for run in group.runs] for group in setting.groups}


def test_repetitions_share_a_row_and_settings_a_table(tmp_path, runs):
    for seed in (0, 1):
        for method in ("ga", "ft"):
            for fraction in (0.1, 0.5):
                made(tmp_path, method, seed, config={"forget.fraction": fraction})
    tables = settings(runs())
    titles = [table.title for table in tables]
    place = "classification · digits · resnet20 · random"
    assert sorted(titles) == [f"{place} forget.fraction=0.1", f"{place} forget.fraction=0.5"]
    assert all(rows(table) == {"ga": [0, 1], "ft": [0, 1]} for table in tables)


def test_a_lone_setting_is_named_without_keys(tmp_path, runs):
    made(tmp_path)
    made(tmp_path, choices={"data": "cifar10"}, config={"data.path": "x"})
    assert sorted(table.title for table in settings(runs())) == [
        "classification · cifar10 · resnet20 · random",
        "classification · digits · resnet20 · random",
    ]


def test_variants_of_a_method_are_named_by_what_differs(tmp_path, runs):
    made(tmp_path, "salun", config={"mask.fraction": 0.3, **SALIENCY}, choices={"mask": "saliency"})
    made(tmp_path, "salun", config={"mask.fraction": 0.5, **SALIENCY}, choices={"mask": "saliency"})
    made(tmp_path, "ga", config={"mask.fraction": 0.5, **SALIENCY}, choices={"mask": "saliency"})
    made(tmp_path, "ga")
    made(tmp_path, "ft", config={"method.lr": 0.01})
    (table,) = settings(runs())
    assert set(rows(table)) == {
        "salun mask.fraction=0.3",
        "salun mask.fraction=0.5",
        "ga mask=saliency",
        "ga mask=none",
        "ft",
    }


def test_seeds_of_forget_set_and_method_make_no_variant(tmp_path, runs):
    made(tmp_path, config={"forget.seed": 5, "method.seed": 1})
    made(tmp_path, config={"forget.seed": 6, "method.seed": 2})
    (table,) = settings(runs())
    assert rows(table) == {"ga": [0, 0]}


def test_keys_that_only_some_have_tell_apart_what_others_do_not():
    assert differing([{"a": 1, "b": 2}, {"a": 1}]) == ["b"]
    assert differing([{"a": 1, "b": 2}, {"a": 3}]) == ["a"]
    assert differing([{"_target_": "x", "a": 1}, {"_target_": "y", "a": 1}]) == ["_target_"]


def test_a_value_that_follows_the_method_makes_a_setting_of_its_own(tmp_path, runs):
    made(tmp_path, "ga", config={"eval.lr": 0.1})
    made(tmp_path, "ft", config={"eval.lr": 0.2})
    assert [table.title[-11:] for table in settings(runs())] == ["eval.lr=0.2", "eval.lr=0.1"]
    (table,) = settings(runs(), by=["method"])
    assert rows(table) == {"ga": [0], "ft": [0]}


def test_references_come_from_what_runs_say_of_their_oracle(tmp_path, runs):
    for seed in (0, 1):
        oracle = {"UA": 5.0 + seed, "RA": 100.0, "TA": 94.0, "MIA": 13.0}
        for method in ("ga", "ft"):
            made(tmp_path, method, seed, oracle=oracle)
    (table,) = settings(runs())
    retrain, original = table.references
    assert [group.name for group in table.references] == ["oracle", "original"]
    assert [run.values["UA"] for run in retrain.runs] == [5.0, 6.0]
    assert [run.values["seconds"] for run in retrain.runs] == [90.0, 90.0]
    assert [run.values["avg_gap"] for run in retrain.runs] == [0.0, 0.0]
    assert [run.result["metrics"] for run in original.runs] == [ORIGINAL, ORIGINAL]
    assert [run.gap["UA"] for run in original.runs] == [5.0, 6.0]
    assert original.runs[0].values["avg_gap"] == (5 + 0 + 1 + 12) / 4


def test_a_retrain_run_is_the_reference_and_no_row_beside_it(tmp_path, runs):
    made(tmp_path, "retrain", 0, expected={"UA": [5.24, 0.69]}, source="a paper")
    made(tmp_path, "ga", 0)
    made(tmp_path, "ga", 1)
    (table,) = settings(runs())
    assert list(rows(table)) == ["ga"]
    retrain = table.references[0]
    assert [run.result["expected"] for run in retrain.runs] == [{"UA": [5.24, 0.69]}, None]
    assert {run.result["method"] for run in retrain.runs} == {"retrain"}


def test_without_an_oracle_only_the_original_is_known(tmp_path, runs):
    made(tmp_path, oracle=None)
    (table,) = settings(runs())
    assert [group.name for group in table.references] == ["original"]
    assert table.references[0].runs[0].gap == {}
    assert "avg_gap" not in table.references[0].runs[0].values


def test_by_groups_by_these_keys_alone(tmp_path, runs):
    for fraction in (0.1, 0.5):
        made(tmp_path, "ga", config={"forget.fraction": fraction})
        made(tmp_path, "ft", config={"forget.fraction": fraction})
    (table,) = settings(runs(), by=["method"])
    assert rows(table) == {"ga": [0, 0], "ft": [0, 0]}
    (table,) = settings(runs(), by=["forget.fraction"])
    assert {name: len(seeds) for name, seeds in rows(table).items()} == {
        "forget.fraction=0.1": 2,
        "forget.fraction=0.5": 2,
    }
    (table,) = settings(runs(), by=["method", "forget.fraction"])
    assert "ga forget.fraction=0.5" in rows(table)


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        (["method=ga"], {"ga-s0-0.001", "ga-s1-0.5"}),
        (["method=ga,ft"], {"ga-s0-0.001", "ga-s1-0.5", "ft-s0"}),
        (["method=ga", "seed=1"], {"ga-s1-0.5"}),
        (["method.lr=1e-3"], {"ga-s0-0.001"}),
        (["forget.fraction=0.1"], {"ga-s0-0.001", "ft-s0"}),
        (["data=digits"], {"ga-s0-0.001", "ga-s1-0.5", "ft-s0"}),
    ],
)
def test_where_picks_by_key_or_choice(tmp_path, runs, conditions, kept):
    made(tmp_path, "ga", 0, config={"method.lr": 0.001})
    made(tmp_path, "ga", 1, config={"forget.fraction": 0.5})
    made(tmp_path, "ft", 0)
    assert {run.folder.name for run in where(runs(), conditions)} == kept


def test_choices_below_a_node_can_be_picked(tmp_path, runs):
    for lower in ("ft", "rl"):
        made(tmp_path, choices={"lower@forget.lower": lower, "optim@forget.lower": "sgd"})
    assert [run.folder.name for run in where(runs(), ["forget.lower=rl"])] == ["ga-s0-rl-sgd"]
    assert [table.title.split()[-1] for table in settings(runs())] == ["forget.lower=ft", "forget.lower=rl"]


def test_keys_below_a_choice_that_differs_are_named_only_where_needed():
    ft, rl = {"lower": "ft", "lower.lr": 1, "mode": "a"}, {"lower": "rl", "lower.lr": 2, "mode": "a"}
    assert differing([ft, rl]) == ["lower"]
    assert differing([ft, rl, rl | {"lower.lr": 3}]) == ["lower", "lower.lr"]
    assert differing([ft, rl | {"mode": "b"}]) == ["lower", "mode"]


def test_where_picks_by_a_list(tmp_path, runs):
    made(tmp_path, config={"forget.classes": [3, 5]})
    made(tmp_path, config={"forget.classes": [3]})
    assert [run.config["forget"]["classes"] for run in where(runs(), ["forget.classes=[3,5]"])] == [[3, 5]]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("method", "no value; give KEY=VALUE"),
        (
            "forget.fractoin=0.1",
            "--where forget.fractoin: no run has this key; did you mean 'forget.fraction'?",
        ),
        ("method=gb", "--where method=gb: no run is left; did you mean 'ga'?"),
        ("forget=[", "cannot read the value"),
    ],
)
def test_where_says_what_is_wrong(tmp_path, runs, condition, message):
    made(tmp_path)
    with pytest.raises(InputError) as error:
        where(runs(), [condition])
    assert message in str(error.value)
