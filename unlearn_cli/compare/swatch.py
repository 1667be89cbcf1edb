"""A method's mark as a small picture, the same shape and colour as in the figures."""

from functools import cache

import numpy as np
from markupsafe import Markup
from matplotlib.markers import MarkerStyle

from unlearn_cli.figures.methods import Style
from unlearn_cli.figures.palette import GREY, INK

ON_PAGE = {INK: "var(--ink)", GREY: "var(--soft)"}
"""Colours that a page's dark style changes."""


@cache
def swatch(look: Style) -> Markup:
    """An inline SVG that a screen reader passes over: the method's name stands beside it."""
    marker = MarkerStyle(look.marker)
    outlines = marker.get_path().transformed(marker.get_transform()).to_polygons()
    points = " ".join(f"{x:.3f},{-y:.3f}" for x, y in np.asarray(outlines[0], dtype=float))
    colour = ON_PAGE.get(look.colour, look.colour)
    fill = "none" if look.fill == "none" else colour
    return Markup(
        '<svg class="mark" aria-hidden="true" viewBox="-.62 -.62 1.24 1.24">'
        '<polygon points="{}" fill="{}" stroke="{}" stroke-width=".1"/></svg>'
    ).format(points, fill, colour)
