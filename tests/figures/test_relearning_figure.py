"""The figure of relearning: a panel for each kind of rows, whatever the models are called."""

import pytest

from unlearn_cli.figures import relearning
from unlearn_cli.figures.relearning import relearning_curves


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """The figure of these records, not saved."""
    figures = []
    monkeypatch.setattr(relearning, "save", lambda figure, path: figures.append(figure))

    def draw(records):
        relearning_curves(records, tmp_path / "relearning.png", "about")
        return figures[-1]

    return draw


def test_all_models_in_a_panel_for_each_kind_of_rows(drawn):
    curve = {"step": [0, 5, 10], "forget": [0.0, 40.0, 100.0], "test": [0.0, 30.0, 90.0]}
    records = {name: {"retain": curve, "forget": curve} for name in ("original", "_$_{$", "oracle")}
    records["oracle"] |= {"others": curve}
    figure = drawn(records)
    retain, _, others = figure.axes
    assert [axis.get_title() for axis in figure.axes] == [relearning.TITLES[way] for way in records["oracle"]]
    assert len(retain.lines) == 6  # each model's two
    assert len(others.lines) == 2
    assert retain.get_ylim()[0] < 0 < 100 < retain.get_ylim()[1]
    assert others.get_legend()


def test_where_little_is_forgotten_the_axis_shows_the_difference(drawn):
    flat = {"step": [0, 5], "forget": [98.0, 98.0]}
    figure = drawn(
        {"original": {"retain": {"step": [0, 5], "forget": [100.0, 100.0]}}, "ft": {"retain": flat}}
    )
    assert 97 < figure.axes[0].get_ylim()[0] < 98
