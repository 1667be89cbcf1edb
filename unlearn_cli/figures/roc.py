"""ROC curves of membership attacks, on logarithmic axes: what counts is how many are found for sure."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from unlearn_cli.figures.methods import styles
from unlearn_cli.figures.palette import GREY, head, label, legend_beside, plain, save

REFERENCES = ("original", "oracle")


def roc_curves(
    panels: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]],
    path: Path,
    about: str = "",
    members: str = "Members",
) -> None:
    """A panel for each attack: by model (original, method, oracle) shares of false and true positives.

    `panels`: by title and model, (false, true, low, high), each (points,) in [0, 1] from (0, 0) to (1, 1);
    low and high, its 95 % interval, bound the true positives' share and shade the method's. `members`: who is
    looked for.
    """
    figure = Figure(figsize=(1.9 + 3.3 * len(panels), 4.2), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False, sharey=True, sharex=True)[0]
    looks = styles((model, model) for models in panels.values() for model in models)
    curves = [curve for models in panels.values() for curve in models.values()]
    least = min((_least(part) for curve in curves for part in curve[:2]), default=1e-3) / 2
    for axis, (title, models) in zip(axes, panels.items(), strict=True):
        for model, (false, true, low, high) in models.items():
            x, colour = np.maximum(false, least), looks[model].colour
            dash = looks[model].dash if model in REFERENCES else "-"
            axis.step(
                *(x, np.maximum(true, least)),
                where="post",
                color=colour,
                linestyle=dash,
                linewidth=1.6,
                label=label(model),
            )
            if model not in REFERENCES:
                band = np.maximum(low, least)
                axis.fill_between(
                    *(x, band, high),
                    step="post",
                    color=colour,
                    alpha=0.15,
                    linewidth=0,
                    label="its 95 % interval",
                )
        axis.plot([least, 1], [least, 1], color=GREY, linewidth=0.8, dashes=(4, 4), zorder=1, label="chance")
        axis.set_title(title)
        axis.set(xscale="log", yscale="log", xlim=(least, 1.05), ylim=(least, 1.05))
        axis.set_xlabel("false positives (share of non-members)")
        plain(axis)
    axes[0].set_ylabel("true positives (share of members)")
    legend_beside(figure, axes[0])
    head(figure, f"{members} found at each rate of false positives", about)
    save(figure, path)


def _least(shares: np.ndarray) -> float:
    """The smallest share above 0."""
    return float(np.min(shares[shares > 0], initial=1.0))
