"""One palette and one way to draw, for every figure of the tool."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
    with replacing(path) as temporary:
        figure.savefig(temporary, format=path.suffix[1:], dpi=SAVED_DPI)


def plain(axis: Axes) -> None:
    """No frame on the right and above, a faint grid."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(alpha=0.3, linewidth=0.6)


def interpolation(pixels: int, inches: float) -> str:
    """How an image so many pixels high is drawn so many inches high.

    Small pixels stay squares; of images too large for their place none is left out.
    """
    return "nearest" if pixels <= inches * SAVED_DPI else "antialiased"
