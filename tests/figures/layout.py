"""Whether all that a figure shows lies on its page."""

from matplotlib.figure import Figure

from unlearn_cli.figures.palette import SAVED_DPI

SLACK = 0.02  # inches, which line widths may take


def cut_off(figure: Figure) -> str:
    """Where something drawn reaches beyond an edge, and by how many inches; empty if nothing does."""
    figure.set_dpi(SAVED_DPI)  # text is as wide as its pixels let it be
    figure.draw_without_rendering()
    box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    beyond = {"left": -box.x0, "right": box.x1 - width, "below": -box.y0, "above": box.y1 - height}
    return ", ".join(f"{side} {inches:.2f}" for side, inches in beyond.items() if inches > SLACK)
