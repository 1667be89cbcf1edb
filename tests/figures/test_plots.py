import numpy as np
import pytest
from layout import cut_off, hidden_title
from matplotlib.figure import Figure

from unlearn_cli.figures import plots as figures
from unlearn_cli.figures.curves import training_curves
from unlearn_cli.figures.methods import style
from unlearn_cli.figures.plots import confidence_histograms, per_class_accuracy


@pytest.fixture
def drawn(saved_figures) -> list[Figure]:
    """The figures that were saved."""
    return saved_figures(figures)


def test_histograms_are_shares_on_equal_axes(tmp_path, drawn):
    parts = {"forget": np.array([0.99, 1.0, 0.01, 1.0]), "retain": np.ones(3), "test": np.array([0.5])}
    confidence_histograms({"original": parts, "oracle": parts | {"forget": np.zeros(2)}}, tmp_path / "c.png")
    original, oracle = drawn[0].axes
    assert (original.get_xlim(), original.get_ylim()) == (oracle.get_xlim(), oracle.get_ylim())
    forget = original.patches[0].get_data()
    assert (forget.values[0], forget.values[-1]) == (0.25, 0.75)
    assert [patch.get_data().values.sum() for patch in oracle.patches] == [1, 1, 1]
    assert (tmp_path / "c.png").exists()


def test_per_class_accuracy_marks_forgotten_classes(tmp_path, drawn):
    before, after = np.array([90.0, 80.0, 70.0]), np.array([89.0, 2.0, np.nan])
    per_class_accuracy({"original": before, "ga": after}, ["a", "b", "c"], (1,), tmp_path / "p.png")
    axis = drawn[0].axes[0]
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["a", "b", "c"]
    np.testing.assert_array_equal(axis.lines[1].get_ydata(), after)
    (band,) = axis.patches
    assert (band.get_x(), band.get_width()) == (0.5, 1.0)
    assert axis.lines[1].get_color() == style("ga").colour


def test_long_names_find_room(tmp_path, drawn):
    names = [f"{number}: a class of a name that is much longer than it should be" for number in range(8)]
    values = np.linspace(0, 100, len(names))
    about = "method · data · model · " * 8
    per_class_accuracy({"original": values, "_own": values}, names, (1,), tmp_path / "p.png", about)
    confidence_histograms(
        {name[:30]: {"forget": np.ones(2)} for name in names[:3]}, tmp_path / "c.png", about
    )
    assert [cut_off(figure) for figure in drawn] == ["", ""]
    assert not any(hidden_title(figure) for figure in drawn)


def test_many_classes_are_ordered_and_only_forgotten_ones_named(tmp_path, drawn):
    before = np.arange(100.0)
    per_class_accuracy({"original": before}, [f"c{i}" for i in range(100)], (7,), tmp_path / "p.png")
    axis = drawn[0].axes[0]
    assert list(axis.lines[0].get_ydata()) == list(before[::-1])
    assert [tick.get_text() for tick in axis.get_xticklabels()] == ["c7"]
    assert axis.get_xticks().tolist() == [92]


def test_a_figure_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "c.png"
    path.write_bytes(b"old")

    def full(self, file, **options):
        file.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(OSError, match="no space"):
        training_curves([], path)
    assert [file.name for file in tmp_path.iterdir()] == ["c.png"]
    assert path.read_bytes() == b"old"
