"""A comparison says how the values of its rows were chosen."""

from made_runs import made

from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.report import Options, read_and_compare

TUNED = {"tuning.trials": 20, "tuning.seeds": [0], "tuning.objective": "avg_gap"}


def said(outputs) -> str:
    _, tables = read_and_compare([outputs], [], Options())
    return to_markdown(tables)


def test_of_equal_budgets(tmp_path):
    for method in ("ft", "ga"):
        made(tmp_path, method, config=TUNED)
    text = said(tmp_path)
    assert "Values of ft, ga: the best of 20 trials each on seed 0 by avg_gap, on validation rows." in text
    assert "Unequal" not in text


def test_of_unequal_budgets(tmp_path):
    made(tmp_path, "ft", config=TUNED)
    made(tmp_path, "ga", config=TUNED | {"tuning.trials": 5, "tuning.seeds": [0, 1]})
    text = said(tmp_path)
    assert "Values of ga: the best of 5 trials each on seeds 0, 1" in text
    assert "Unequal budgets: a row of more trials had more chances." in text


def test_of_values_that_nobody_tuned(tmp_path):
    made(tmp_path, "ft", config=TUNED)
    made(tmp_path, "ga")
    made(tmp_path, "rl", config={"tuning": "by hand"})
    assert "Unequal budgets: no trial is known of ga, rl." in said(tmp_path)


def test_a_value_typed_in_place_of_the_chosen_one_is_told(tmp_path):
    chosen = TUNED | {"tuning.values": {"method.lr": 0.01}}
    made(tmp_path / "tuned", "ft", config=chosen | {"method.lr": 0.01})
    made(tmp_path / "typed", "ga", config=chosen | {"method.lr": 0.5})
    text = said(tmp_path)
    assert "Values of ft: the best of 20 trials each on seed 0 by avg_gap, on validation rows." in text
    assert "Values of ga: the best of 20 trials each on seed 0" in text
    assert "by avg_gap (but for method.lr, typed in its place), on validation rows." in text


def test_trials_of_another_setting_are_told(tmp_path):
    made(tmp_path, "ft", config=TUNED, tuned_for={"forget.fraction": 0.5, "model": "mlp"})
    assert "on seed 0 by avg_gap (with forget.fraction=0.5, model=mlp), on validation rows." in said(tmp_path)


def test_without_any_tuning_nothing_is_said(tmp_path):
    made(tmp_path, "ft")
    made(tmp_path, "ga")
    assert "trial" not in said(tmp_path)
