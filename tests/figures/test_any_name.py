"""A class of any name is drawn, printed and written as it is."""

import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from unlearn_cli.data.names import listed, unknown
from unlearn_cli.figures.palette import save
from unlearn_cli.figures.plots import per_class_accuracy
from unlearn_cli.runtime.terminal import console
from unlearn_cli.runtime.text import in_markdown

NAMES = [
    "$_{$",
    "a $ and a $",
    "[cat]",
    "[/cat]",
    ":cat:",
    "two\nlines",
    "50 %",
    "a|b",
    "<b>",
    r"\frac",
    "été",
]


def test_figures(tmp_path):
    values = np.linspace(0, 100, len(NAMES))
    per_class_accuracy({"original": values, "ga": values}, NAMES, np.array([0, 3]), tmp_path / "classes.png")
    assert (tmp_path / "classes.png").stat().st_size


@pytest.mark.parametrize("name", NAMES)
def test_titles_legends_and_ticks(tmp_path, name):
    figure = Figure()
    axis = figure.subplots()
    axis.plot([1, 2], [1, 2], label=name)
    axis.set(title=name, xlabel=name)
    axis.set_xticks([1, 2], [name, name])
    axis.annotate(name, (1, 1))
    axis.legend()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save(figure, tmp_path / "figure.png")


def test_powers_of_ten_are_no_names(tmp_path):
    figure = Figure()
    axis = figure.subplots()
    axis.set(xscale="log", xlim=(1, 1000))
    save(figure, tmp_path / "figure.png")
    assert axis.xaxis.get_major_ticks()[0].label1.get_parse_math()


def test_terminal_markdown_and_messages(capsys):
    for name in NAMES:
        console().print(name, highlight=False)
    assert capsys.readouterr().out.splitlines() == "\n".join(NAMES).splitlines()
    assert "\n" not in in_markdown("two\nlines")
    assert listed(["two\nlines", "\x1b[31m", "été", "caf\udce9"]) == r"two\nlines, \x1b[31m, été, caf\udce9"
    assert str(unknown("forget.classes", "class", "a\nb", ["two\nlines"])) == (
        r"forget.classes: no class 'a\nb'; there is two\nlines"
    )
