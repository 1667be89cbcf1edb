"""Golden files have what there is, and a comparison that sees what differs."""

import pytest
from golden_files import TASKS, written
from golden_numbers import differences
from tiny_cases import cases

from unlearn_cli.config.catalogue import options

WAS = {
    "history": [{"stage": "unlearn", "step": 3, "loss/forget": 2.0, "loss/close": 1e-8}],
    "parameters": {"sum": 0.5, "absolute": 1000.0, "digest": "ab"},
}


def changed(**values: object) -> dict:
    return {
        "history": [{key: values.get(key, value) for key, value in WAS["history"][0].items()}],
        "parameters": {key: values.get(key, value) for key, value in WAS["parameters"].items()},
    }


def test_every_task_has_them():
    assert sorted(TASKS) == [option.name for option in options("task")]


@pytest.mark.parametrize("task", TASKS)
def test_none_are_of_a_case_that_is_gone(task):
    assert sorted(written(task)) == sorted(cases(task))


def test_the_same_numbers_differ_in_nothing():
    assert differences(WAS, WAS, exact=True) == []


@pytest.mark.parametrize(
    "change", [{"loss/forget": 2.000001}, {"digest": "cd"}, {"sum": 0.5001}, {"loss/close": 2e-8}]
)
def test_rounding_is_told_by_an_exact_comparison_alone(change):
    (name,) = change
    assert differences(WAS, changed(**change), exact=False) == []
    (line,) = differences(WAS, changed(**change), exact=True)
    assert f"{name}: was" in line


@pytest.mark.parametrize(
    "change",
    [{"loss/forget": 2.0001}, {"sum": 0.51}, {"absolute": 1001.0}, {"step": 4}, {"stage": "other"}],
)
def test_a_change_is_told(change):
    ((name, value),) = change.items()
    (line,) = differences(WAS, changed(**change), exact=False)
    assert name in line
    assert line.endswith(f"is {value}")


def test_a_quantity_more_or_less_is_told():
    more = {**WAS, "losses": {"forget": 1.0}}
    assert differences(WAS, more, exact=False) == ["losses.forget: was None, is 1.0"]
    assert differences(more, WAS, exact=False) == ["losses.forget: was 1.0, is None"]
