"""Rows whose runs share originals: what is said of their spread."""

import pytest
from compare.made_runs import ORACLE, made

from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.keys import origin
from unlearn_cli.compare.nested import by_original, sentences
from unlearn_cli.compare.records import read
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.evaluation.meaning import MEANINGS


@pytest.fixture
def row(tmp_path):
    """row(table, outputs, **result): a row with an Avg Gap for each original and method seed."""

    def group(table, outputs="out", **result) -> Group:
        runs = []
        for train, gaps in enumerate(table):
            for method, gap in enumerate(gaps):
                seeds = {"train.seed": train, "method.seed": method, "forget.seed": 0}
                metrics = {"UA": ORACLE["UA"] + 4 * gap}
                runs.append(read(made(tmp_path / outputs, config=seeds, metrics=metrics, **result)))
        return Group("ga", {"method": "ga"}, runs)

    return group


def said(group: Group) -> list[str]:
    return sentences([group], "avg_gap", MEANINGS["avg_gap"])


def test_independent_runs_need_no_word(row):
    assert said(row([[1.0], [2.0], [3.0]])) == []


def test_runs_of_an_original_belong_together(row):
    group = row([[1.0, 2.0], [3.0, 4.0]])
    assert [len(own) for own in by_original(group.runs)] == [2, 2]


def test_both_parts_and_what_pays(row):
    (sentence,) = said(row([[0.0, 2.0], [4.0, 6.0], [5.0, 7.0]]))
    assert sentence == (
        "ga: Avg Gap deviates by 2.45 between 3 originals and by 1.41 between unlearnings of one; the mean "
        "of 6 runs by 1.53; one more unlearning of each original (method.seed) pays most for its time."
    )


def test_a_cheap_method_of_much_noise(row):
    (sentence,) = said(row([[0.0, 9.0], [1.0, 8.0]]))
    assert sentence.endswith("one more unlearning of each original (method.seed) pays most for its time.")


def test_one_original_tells_nothing_of_another(row):
    (sentence,) = said(row([[1.0, 2.0, 3.0]]))
    assert "3 runs of one original deviate by 1.00 in Avg Gap, which says nothing of another" in sentence
    assert "one more original" in sentence
    (sentence,) = said(row([[1.5, 2.5]], outputs="ready", original_cost={"seconds": 0.0}, oracle_cost=None))
    assert "pays most" not in sentence  # a ready-made model


def test_a_deterministic_method_is_not_told_as_many(row):
    assert said(row([[1.0, 1.0], [2.0, 2.0]])) == [
        "ga gives one result for each original, whatever method.seed: its 4 runs count for 2."
    ]


def test_it_stands_under_the_table(row):
    group = row([[0.0, 2.0], [4.0, 6.0], [5.0, 7.0]])
    (table,) = compare(group.runs, Options()).tables
    assert table.said == said(group)
    assert compare(group.runs, Options(by=["method"])).tables[0].said == []
    oracle, *_, own = table.rows
    assert [(row.name, row.n, row.originals) for row in (oracle, own)] == [("oracle", 3, 3), ("ga", 6, 3)]


def test_one_original_attacked_by_two_pools_is_one(tmp_path):
    one, other = (read(made(tmp_path, config={"shadows.seed": seed})) for seed in range(2))
    assert origin(one) == origin(other)


def test_one_unlearning_judged_twice_is_one(tmp_path):
    """What its numbers deviate by is no unlearning's chance, and another method.seed would not lower it."""
    runs = [
        read(made(tmp_path, config={"train.seed": train, "eval.seed": judged}, metrics={"UA": 5.0 + judged}))
        for train in range(3)
        for judged in range(2)
    ]
    assert said(Group("ga", {"method": "ga"}, runs)) == []
