"""One palette and one way to draw, for every figure of the tool."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from unlearn_cli.storage.files import replacing

# Okabe and Ito's palette is safe for the colour-blind; shapes and dashes say the same again.
COLOURS = {"forget": "#D55E00", "retain": "#0072B2", "test": "#009E73", "val": "#CC79A7"}
OTHERS = ("#555555", "#E69F00", "#56B4E9")
MODELS = ("#555555", "#D55E00", "#0072B2")  # original, method, oracle
MARKERS = ("o", "D", "s", "^", "v", "P", "X")
SAVED_DPI = 150
MANY_CLASSES = 30  # from here on classes are ordered by accuracy and only forgotten ones named


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


def interpolation(pixels: int, inches: float) -> str:
    """How an image so many pixels high is drawn so many inches high.

    Small pixels stay squares; of images too large for their place none is left out.
    """
    return "nearest" if pixels <= inches * SAVED_DPI else "antialiased"
