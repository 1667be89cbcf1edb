"""The figures of a comparison, from runs made by hand."""

import pytest
from made_runs import SENTENCE, made

from unlearn_cli.compare.comparison import Options
from unlearn_cli.compare.plots import looks_of
from unlearn_cli.compare.records import find
from unlearn_cli.compare.scatter import Point, scatter
from unlearn_cli.compare.tabulate import compare
from unlearn_cli.evaluation.meaning import MEANINGS


@pytest.fixture
def drawn(tmp_path):
    """drawn(x, y): the axes of the runs' only table."""

    def axes(x, y):
        (table,) = compare(find([tmp_path]).runs, Options()).tables
        points = [Point(row, row.cells[x].value, row.cells[y].value) for row in table.rows]
        return scatter(points, MEANINGS[x], MEANINGS[y], looks_of(table)).axes[0]

    return axes


def test_a_destroyed_model_stands_at_the_edge_with_its_value(tmp_path, drawn):
    for method, keeping in (("ft", 99.0), ("salun", 98.0), ("rl", 97.0)):
        made(tmp_path, method, 0, {"RA": keeping})
    made(tmp_path, "ga", 0, {"RA": 10.0, "UA": 90.0}, warnings=[SENTENCE])
    axis = drawn("RA", "UA")
    (told,) = axis.texts
    assert told.get_text() == "ga: ← RA 10.00, ↑ UA 90.00"
    assert told.xy == (axis.get_xlim()[0], axis.get_ylim()[1])
    assert 80 < axis.get_xlim()[0] < 97
    assert axis.get_ylim()[1] < 50


def test_two_at_one_edge_are_told_below_each_other(tmp_path, drawn):
    for method, keeping in (("ft", 99.0), ("salun", 98.0), ("rl", 97.0)):
        made(tmp_path, method, 0, {"RA": keeping})
    for method in ("ga", "iu"):
        made(tmp_path, method, 0, {"RA": 10.0}, warnings=[SENTENCE])
    one, other = drawn("RA", "UA").texts
    assert one.xy == other.xy
    assert one.get_position() != other.get_position()


def test_costs_of_several_magnitudes_are_written_out(tmp_path, drawn):
    for method, seconds in (("ft", 1.0), ("salun", 20.0), ("rl", 400.0)):
        made(tmp_path, method, 0, cost={"seconds": seconds})
    axis = drawn("seconds", "avg_gap")
    assert axis.get_xscale() == "log"
    axis.figure.canvas.draw()
    assert "200" in [tick.get_text() for tick in axis.get_xticklabels()]
