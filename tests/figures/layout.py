"""Whether all that a figure shows lies on its page, and its legend on no title."""

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


def hidden_title(figure: Figure) -> bool:
    """Whether a legend of the figure lies on a title. After `cut_off`, which lays everything out."""
    titles = [text.get_window_extent() for text in figure.texts if text.get_text()]
    titles += [axis.title.get_window_extent() for axis in figure.axes if axis.get_title()]
    return any(legend.get_window_extent().overlaps(title) for legend in figure.legends for title in titles)
