"""One palette and one way to draw, for every figure of the tool."""

import textwrap
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from unlearn_cli.storage.files import replacing

# Okabe and Ito's palette is safe for the colour-blind; shapes and dashes say the same again.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY, INK = "#E69F00", "#56B4E9", "#555555", "#1a1a1a"
COLOURS = {"forget": VERMILLION, "retain": BLUE, "test": GREEN, "val": PURPLE}
"""Of the parts of the data."""
OTHERS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILLION)
"""Of whatever else is told apart, in order."""
MARK = ORANGE
"""Frames and shades what is to be forgotten."""
MARKERS = ("o", "D", "s", "^", "v", "P", "<", "h", ">")
DASHES = ("-", "--", "-.", ":")
SAVED_DPI = 150
MANY_CLASSES = 30  # from here on classes are ordered by accuracy and only forgotten ones named
TITLE_CHARACTERS, ABOUT_CHARACTERS = 10.5, 17  # that an inch holds


def head(figure: Figure, title: str, about: str = "") -> None:
    """A title above, and below in small which run is shown, in as many lines as the width needs."""
    figure.suptitle(wrapped(title, TITLE_CHARACTERS * figure.get_figwidth()))
    if about:
        text = wrapped(about, ABOUT_CHARACTERS * figure.get_figwidth())
        figure.supxlabel(text, fontsize="x-small", color=GREY)


def legend_beside(figure: Figure, *axes: Axes, **text: Any) -> None:
    """What these panels name, each once, to the right of all and halfway up: above stands the title."""
    named = {
        name: mark for axis in axes for mark, name in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend([*named.values()], [*named], loc="outside right center", frameon=False, **text)


def wrapped(text: str, width: float, most: int | None = None) -> str:
    """The text in lines of so many characters, at most so many; what is left out is an ellipsis."""
    return "\n".join(textwrap.wrap(text, max(8, int(width)), max_lines=most, placeholder=" …")) or text


def save(figure: Figure, path: Path) -> None:
    """Write the figure whole or not at all; the suffix gives the format."""
    draw_names_as_they_are(figure)
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=SAVED_DPI)


def draw_names_as_they_are(figure: Figure) -> None:
    """Nothing in a text is a formula: a class may be called "$_{$". The powers of ten of log axes stay."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                for label in (tick.label1, tick.label2):
                    label.set_parse_math(axis.get_scale() == "log")


def label(name: str) -> str:
    """A name for a legend, which leaves out what begins with an underscore."""
    return f" {name}" if name.startswith("_") else name


def plain(axis: Axes) -> None:
    """No frame on the right and above, a faint grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.3, linewidth=0.6)
    axis.set_axisbelow(True)


def interpolation(pixels: int, inches: float) -> str:
    """How an image so many pixels high is drawn so many inches high.

    Small pixels stay squares; of images too large for their place none is left out.
    """
    return "nearest" if pixels <= inches * SAVED_DPI else "antialiased"
