import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.image import imread

from unlearn_cli.forget import figures
from unlearn_cli.forget.figures import ALL, SELECTED, draw_composition, draw_extremes, draw_weights
from unlearn_cli.forget.selection import UnitExample, ValueShare


@pytest.fixture
def drawn(saved_figures) -> list[Figure]:
    """The figures that were saved."""
    return saved_figures(figures)


def points(axis) -> dict[str, tuple[list[float], list[float]]]:
    return {
        line.get_label(): (list(line.get_xdata()), list(line.get_ydata()))
        for line in axis.lines
        if not line.get_label().startswith("_")
    }


def panels(figure) -> dict[str, list[str]]:
    """The names of each panel's values, by its title."""
    return {
        axis.get_title(): [text.get_text() for text in axis.get_yticklabels()]
        for axis in figure.axes
        if axis.axison
    }


def binary(of_selected: float, of_all: float, values=("False", "True")) -> list[ValueShare]:
    """The parts of 100 selected and 100 rows in all."""
    shares = [(1 - of_selected, 1 - of_all), (of_selected, of_all)]
    return [
        ValueShare(v, round(100 * s), round(100 * a), s, a) for v, (s, a) in zip(values, shares, strict=True)
    ]


TRAJECTORY = [
    {"objective": 1.0, "loss_selected": 0.5, "loss_others": 0.6, "kept": 0.1, "random": 0.4},
    {"objective": 0.5, "loss_selected": 0.0, "loss_others": 0.8, "kept": 1.0, "random": 0.2},
]


def test_weights_and_trajectory_of_few_units(tmp_path, drawn):
    draw_weights(np.array([1.0, 0.7, 0.3, 0.0]), TRAJECTORY, 2, tmp_path / "w.png")
    weights, losses, shares = drawn[0].axes
    assert points(weights) == {"selected (2)": ([1, 2], [1.0, 0.7]), "others (2)": ([3, 4], [0.3, 0.0])}
    assert (weights.get_xscale(), losses.get_yscale()) == ("linear", "log")
    assert 2.5 in [line.get_xdata()[0] for line in weights.lines]
    assert points(losses) == {"selected": ([1, 2], [0.5, 0.0]), "others": ([1, 2], [0.6, 0.8])}
    assert points(shares) == {
        "stayed selected": ([1, 2], [10, 100]),
        "in the random set": ([1, 2], [40, 20]),
        "chance (50 %)": ([0, 1], [50, 50]),
    }
    assert imread(tmp_path / "w.png").std() > 0.05


def test_of_many_units_the_ranks_are_logarithmic_and_thinned(tmp_path, drawn):
    there = 100_000
    draw_weights(np.linspace(1, 0, there), TRAJECTORY[:1], 10_000, tmp_path / "w.png")
    axis = drawn[0].axes[0]
    (selected, of_selected), (others, _) = points(axis).values()
    assert axis.get_xscale() == "log"
    assert len(selected) + len(others) <= figures.POINTS
    assert (selected[0], max(selected) <= 10_000 < min(others)) == (1, True)
    assert max(others) >= 0.99 * there
    np.testing.assert_allclose(of_selected, 1 - (np.array(selected) - 1) / (there - 1))


def test_attributes_share_a_panel_by_the_difference_of_their_shares(tmp_path, drawn):
    columns = {
        "Male": binary(0.1, 0.4),
        "Blond": binary(0.9, 0.15)[::-1],  # the order of the values is of no account
        "Young": binary(0.75, 0.75, ("-1", "1")),
        "Smiling": binary(0.5, 0.4, ("0", "1")),
        "domain": [ValueShare("photo", 80, 50, 0.8, 0.5), ValueShare("sketch", 20, 50, 0.2, 0.5)],
    }
    draw_composition(columns, tmp_path / "c.png")
    assert panels(drawn[0]) == {
        "attributes, share of true": ["Blond", "Smiling", "Young", "Male"],
        "domain": ["photo", "sketch"],
    }
    lines = points(drawn[0].axes[0])
    np.testing.assert_allclose(lines["selected"], ([90, 50, 75, 10], [0, 1, 2, 3]))
    np.testing.assert_allclose(lines["all training rows"], ([15, 40, 75, 40], [0, 1, 2, 3]))
    assert [line.get_color() for line in drawn[0].axes[0].lines] == [SELECTED, ALL]
    assert imread(tmp_path / "c.png").std() > 0.05


def test_the_columns_and_values_that_differ_most_are_shown(tmp_path, drawn):
    """Column i of ten differs by i/100; its 30 values by less the further back they stand."""
    columns = {
        f"column {i}": [ValueShare(f"v{v}", 1, 1, i / 100 / (1 + v), 0.0) for v in range(30)]
        for i in range(10)
    }
    draw_composition(columns, tmp_path / "c.png")
    shown = panels(drawn[0])
    assert set(shown) == {f"column {i} ({figures.VALUES} of 30)" for i in range(2, 10)}
    assert shown["column 9 (20 of 30)"] == [f"v{v}" for v in range(20)]


def test_the_selected_are_framed_in_both_rows(tmp_path, drawn):
    def images(*selected: bool) -> list[UnitExample]:
        return [
            UnitExample("great white shark, Carcharodon", np.full((4, 4, 3), 90, np.uint8), s)
            for s in selected
        ]

    draw_extremes(images(True, False), images(False, False), "worst", tmp_path / "e.png")
    draw_extremes(images(True, True), images(True, False), "easiest", tmp_path / "e.png")
    titles = [[half.get_suptitle() for half in figure.subfigs] for figure in drawn]
    assert titles == [
        ["Hardest to forget (largest weights; framed: selected)", "Easiest to forget (smallest weights)"],
        ["Easiest to forget (largest weights; framed: selected)",
         "Hardest to forget (smallest weights; framed: selected)"],
    ]  # fmt: skip
    frames = [
        [axis.spines["top"].get_visible() for axis in half.axes if axis.images] for half in drawn[1].subfigs
    ]
    assert frames == [[True, True], [True, False]]
    axis = drawn[0].axes[0]
    assert axis.get_title() == "great white\nshark,…"
    assert to_hex(axis.spines["top"].get_edgecolor()) == figures.MARK.lower()
    assert imread(tmp_path / "e.png").std() > 0.05


def test_names_are_no_formulas(tmp_path):
    """A prompt may hold dollars and be longer than its place."""
    name = "$a_{$ $" + 40 * "x"
    draw_composition(
        {name: [ValueShare(name, 1, 1, 1, 1), ValueShare("$_$", 0, 1, 0, 1)]}, tmp_path / "c.png"
    )
    draw_extremes([UnitExample(name, np.zeros((2, 2, 1), np.uint8), True)], [], "worst", tmp_path / "e.png")
    assert (tmp_path / "c.png").exists()
    assert (tmp_path / "e.png").exists()
