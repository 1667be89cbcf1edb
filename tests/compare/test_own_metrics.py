"""Metrics of plug-ins, in a comparison that has only the runs' records."""

import json

import pytest
from made_runs import ORACLE, made

from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.curves import draw
from unlearn_cli.compare.markdown import to_markdown
from unlearn_cli.compare.meanings import own_meanings
from unlearn_cli.compare.page import to_html
from unlearn_cli.compare.records import Unfit, find, read
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import Meaning

SURPRISE = {"name": "surprise", "unit": "nats", "better": "lower", "text": "what it is"}


@pytest.fixture
def runs(tmp_path):
    """Two methods, the second less surprised than the first."""
    for method, value in (("ga", 3.0), ("ft", 2.0)):
        made(
            tmp_path,
            method,
            metrics={"surprise": value},
            oracle=ORACLE | {"surprise": 1.5},
            meanings={"surprise": SURPRISE},
        )
    return find([tmp_path]).runs


def test_it_is_a_column_with_unit_arrow_and_gap(runs):
    comparison = compare(runs, Options())
    markdown = to_markdown(comparison)
    assert "surprise (nats) ↓" in markdown
    assert "2.0000 (0.5000)" in markdown
    assert "surprise (nats) ↓" in to_html(comparison)
    assert "what it is" in to_html(comparison)


def test_it_ranks(runs):
    (table,) = compare(runs, Options(rank_by="surprise")).tables
    assert [row.name for row in table.rows if row.best] == ["ft"]
    assert table.aim == Meaning(**SURPRISE)


def test_it_is_drawn_against_a_key(tmp_path):
    for lr in (0.1, 0.2):
        made(tmp_path, metrics={"surprise": lr}, meanings={"surprise": SURPRISE}, config={"method.lr": lr})
    draw(find([tmp_path]).runs, "method.lr", ["surprise"], tmp_path / "drawn.svg")
    assert (tmp_path / "drawn.svg").exists()


def test_a_text_may_change_and_a_direction_may_not(tmp_path):
    made(tmp_path, "ga", metrics={"surprise": 1.0}, meanings={"surprise": SURPRISE})
    made(tmp_path, "rl", metrics={"surprise": 1.0}, meanings={"surprise": SURPRISE | {"text": "newer"}})
    assert own_meanings(find([tmp_path]).runs)["surprise"].text == "newer"
    made(tmp_path, "salun", metrics={"surprise": 1.0}, meanings={"surprise": SURPRISE | {"better": "higher"}})
    with pytest.raises(InputError, match=r"metric 'surprise': 'surprise \(nats\) ↓' in .*, '.* ↑' in "):
        compare(find([tmp_path]).runs, Options())


@pytest.mark.parametrize("meanings", [[], {"a": 1}, {"a": {}}, {"a": SURPRISE | {"better": "up"}}])
def test_a_record_of_something_else_is_left_out(tmp_path, meanings):
    folder = made(tmp_path, meanings=meanings)
    assert "meanings" in json.loads((folder / "metrics.json").read_text())
    with pytest.raises(Unfit, match="of another version"):
        read(folder)
