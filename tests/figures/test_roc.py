import numpy as np
import pytest
from layout import cut_off, hidden_title

from unlearn_cli.figures import roc
from unlearn_cli.figures.roc import roc_curves


@pytest.fixture
def drawn(saved_figures):
    """The figures that were saved."""
    return saved_figures(roc)


def curve(true: list[float]) -> tuple[np.ndarray, ...]:
    share = np.array(true)
    return np.linspace(0, 1, len(true)), share, share / 2, np.minimum(1, share * 1.5)


def test_a_panel_for_each_attack_on_equal_logarithmic_axes(tmp_path, drawn):
    models = {
        "original": curve([0, 0.9, 1.0]),
        "ga": curve([0, 0.6, 1.0]),
        "oracle": curve([0, 0.5, 1.0]),
    }
    roc_curves({"U-LiRA": models, "RMIA": models}, tmp_path / "roc.png", "ga · digits", "Retained rows")
    (figure,) = drawn
    assert figure.get_suptitle().startswith("Retained rows found")
    told = [text.get_text() for text in figure.legends[0].get_texts()]
    assert told == ["original", "ga", "its 95 % interval", "oracle", "chance"]
    assert [axis.get_title() for axis in figure.axes] == ["U-LiRA", "RMIA"]
    for axis in figure.axes:
        assert (axis.get_xscale(), axis.get_yscale()) == ("log", "log")
        assert axis.get_xlim() == axis.get_ylim() == figure.axes[0].get_xlim()
        *curves, chance = axis.lines
        assert (chance.get_xdata() == chance.get_ydata()).all()
        assert [line.get_ydata()[1] for line in curves] == [0.9, 0.6, 0.5]
        assert len(axis.collections) == 1  # the method's interval alone
    assert cut_off(figure) == ""


def test_an_attack_that_finds_nobody_can_be_drawn(tmp_path, drawn):
    roc_curves({"IAM": {"ga": curve([0, 0, 1.0])}}, tmp_path / "roc.png")
    assert (tmp_path / "roc.png").exists()
    assert min(drawn[0].axes[0].get_ylim()) > 0


def test_one_attack_s_title_and_legend_have_room(tmp_path, drawn):
    models = {name: curve([0, 0.5, 1.0]) for name in ("original", "ga", "oracle")}
    roc_curves({"U-LiRA": models}, tmp_path / "roc.png", members="Forgotten rows")
    assert cut_off(drawn[0]) == ""
    assert not hidden_title(drawn[0])
