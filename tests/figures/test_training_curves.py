import pytest
from layout import cut_off
from matplotlib.figure import Figure
from matplotlib.image import imread

from unlearn_cli.figures import curves
from unlearn_cli.figures.curves import training_curves

HISTORY = [
    {"stage": "original", "epoch": 1, "step": 5, "lr": 0.1, "loss/train": 2.0, "val/acc": 50.0},
    {"stage": "original", "epoch": 2, "step": 10, "lr": 0.05, "loss/train": 1.0, "val/acc": 70.0},
    {"stage": "unlearn", "epoch": 1, "step": 3, "loss/forget": 3.0, "loss/own": 1.0, "forget/acc": 90.0},
]


@pytest.fixture
def drawn(saved_figures) -> list[Figure]:
    """The figures that were saved."""
    return saved_figures(curves)


def panels(figure) -> list[dict[str, dict[str, list[float]]]]:
    """By stage and quantity the values of each line."""
    return [
        {
            axis.get_ylabel(): {line.get_label(): list(line.get_ydata()) for line in axis.lines}
            for axis in part.axes
            if axis.axison
        }
        for part in figure.subfigs
    ]


def test_a_stage_has_the_panels_of_what_it_measured(tmp_path, drawn):
    training_curves(HISTORY, tmp_path / "curves.png")
    original, unlearn = panels(drawn[0])
    assert list(original) == ["loss", "learning rate", "accuracy (%)"]
    assert original["loss"] == {"train": [2.0, 1.0]}
    assert original["accuracy (%)"] == {"val": [50.0, 70.0]}
    assert unlearn == {"loss": {"forget": [3.0], "own": [1.0]}, "accuracy (%)": {"forget": [90.0]}}
    assert [part.axes[0].get_title() for part in drawn[0].subfigs] == ["original", "unlearn"]
    lowest = [[axis for axis in part.axes if axis.axison][-1] for part in drawn[0].subfigs]
    assert [axis.get_xlabel() for axis in lowest] == ["step", "step"]
    assert imread(tmp_path / "curves.png").std() > 0


def test_what_a_trainer_counts_with_the_losses_need_not_be_one(tmp_path, drawn):
    """DoCo's discriminator tells how often it is right, gradient surgery cosines."""
    row = {"stage": "unlearn", "epoch": 1, "step": 1, "loss/forget": 1.0, "fvu": 0.3, "dead": 0.0}
    row |= {"loss/discriminator": 0.7, "loss/discriminator_accuracy": 0.5, "loss/cosine": -0.2}
    training_curves([row], tmp_path / "curves.png")
    (found,) = panels(drawn[0])
    assert found["loss"].keys() == {"forget", "discriminator"}
    assert found["share of right answers"] == {"discriminator_accuracy": [0.5]}
    assert found["cosine of gradients"] == {"cosine": [-0.2]}
    assert {"variance unexplained", "share of dead latents"} < found.keys()


def test_lines_are_told_apart_and_no_legend_lies_on_them(tmp_path, drawn):
    row = {"stage": "unlearn", "epoch": 1, "step": 1}
    row |= {f"loss/{name}": 1.0 for name in ("forget", "retain", "a", "b", "c", "d")}
    training_curves([row], tmp_path / "curves.png")
    axis = drawn[0].axes[0]
    assert len({line.get_color() for line in axis.lines}) == 6
    assert axis.get_legend().get_window_extent().x0 >= axis.get_window_extent().x1


def test_the_figure_says_which_run_it_shows_and_nothing_is_cut_off(tmp_path, drawn):
    about = " · ".join(["salun", "a data set of a long name", "a model of a long name", "seed 0"] * 3)
    history = [row | {f"a very long name of a monitored part/{row['stage']}": 1.0} for row in HISTORY]
    training_curves(history, tmp_path / "curves.png", about)
    assert drawn[0].get_supxlabel().replace("\n", " ") == about
    assert not cut_off(drawn[0])


@pytest.mark.parametrize("history", [[], [{"stage": "unlearn", "epoch": 1, "step": 1}]])
def test_a_run_that_trained_nothing(tmp_path, drawn, history):
    training_curves(history, tmp_path / "curves.png")
    assert drawn[0].get_suptitle() == "Nothing was trained"
    assert not drawn[0].axes
