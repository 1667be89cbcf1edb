"""Training curves: what was measured while models were trained, a column for each stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from unlearn_cli.figures.palette import COLOURS, DASHES, MARKERS, OTHERS, head, label, plain, save, wrapped

LOSS, RATE = "loss", "learning rate"
PLACE = ("stage", "epoch", "step")
"""Keys of a row that say where it stands."""
OWN_FIGURE = "validation/"
"""Of what is drawn elsewhere (see figures/validation.py)."""
QUANTITIES = {
    "lr": RATE,
    "acc": "accuracy (%)",
    "error": "denoising error",
    "nll": "nats a token",
    "fvu": "variance unexplained",
    "l0": "latents that fire",
    "dead": "share of dead latents",
    "loss/discriminator_accuracy": "share of right answers",
    "loss/conflict": "share of conflicts",
    "loss/cosine": "cosine of gradients",
}
"""What is on the axis, by a row's key or its last part: a trainer counts whatever it measures in a step as a
term of the loss."""
NAME = 24  # characters of a line in the legend
MANY_POINTS = 40  # more are a line without marks

Panels = dict[str, dict[str, str]]
"""By quantity: the key of each line and its name, empty where nothing has to be told apart."""


def training_curves(history: Sequence[Mapping[str, Any]], path: Path, about: str = "") -> None:
    """Losses, learning rate and monitored values against the step; a stage has panels of what it measured.

    Rows hold stage, step, lr, `loss/<term>` and monitored values such as `val/acc`; keys may be missing.
    """
    stages = list(dict.fromkeys(row["stage"] for row in history))
    by_stage = {stage: [row for row in history if row["stage"] == stage] for stage in stages}
    panels = {stage: _panels(rows) for stage, rows in by_stage.items()}
    panels = {stage: measured for stage, measured in panels.items() if measured}
    most = max(map(len, panels.values()), default=0)
    figure = Figure(figsize=(max(6.4, 5.6 * len(panels)), 1.2 + 2.1 * most), layout="constrained")
    head(figure, "Training curves" if panels else "Nothing was trained", about)
    if panels:
        parts = figure.subfigures(1, len(panels), squeeze=False)[0]
        for part, (stage, measured) in zip(parts, panels.items(), strict=True):
            _draw_stage(part, stage, by_stage[stage], measured, most)
    save(figure, path)


def _draw_stage(
    part: SubFigure, stage: str, rows: Sequence[Mapping[str, Any]], panels: Panels, most: int
) -> None:
    """The stage's panels from the top, in a column with room for the most that a stage has."""
    axes = part.subplots(most, 1, squeeze=False, sharex=True)[:, 0]
    for axis, quantity in zip(axes, panels, strict=False):
        _lines(axis, rows, panels[quantity])
        axis.set_ylabel(quantity)
    axes[0].set_title(stage)
    lowest = axes[len(panels) - 1]
    lowest.set(xlabel="step", xlim=(0, None))
    lowest.tick_params(labelbottom=True)
    lowest.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axis in axes[len(panels) :]:
        axis.set_axis_off()


def _panels(rows: Sequence[Mapping[str, Any]]) -> Panels:
    """Losses first, then the learning rate."""
    found: Panels = {}
    for key in sorted({key for row in rows for key, value in row.items() if value is not None}):
        if key in PLACE or key.startswith(OWN_FIGURE):
            continue
        watched, _, last = key.rpartition("/")
        quantity = QUANTITIES.get(key) or (LOSS if watched == LOSS else QUANTITIES.get(last, last))
        found.setdefault(quantity, {})[key] = last if watched == LOSS else watched
    first = [quantity for quantity in (LOSS, RATE) if quantity in found]
    return {quantity: found[quantity] for quantity in dict.fromkeys([*first, *found])}


def _lines(axis: Axes, rows: Sequence[Mapping[str, Any]], lines: Mapping[str, str]) -> None:
    parts = list(COLOURS)
    free = [colour for colour in OTHERS if colour not in {COLOURS.get(name) for name in lines.values()}]
    for number, (key, name) in enumerate(lines.items()):
        points = [(row["step"], row[key]) for row in rows if row.get(key) is not None]
        look = parts.index(name) if name in parts else number  # a part looks the same in every panel
        axis.plot(
            *zip(*points, strict=True),
            color=COLOURS.get(name, free[number % len(free)]),
            linestyle=DASHES[look % len(DASHES)],
            marker=MARKERS[look % len(MARKERS)] if len(points) <= MANY_POINTS else None,
            markersize=4,
            label=label(wrapped(name, NAME)),
        )
    if any(lines.values()):
        axis.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    axis.ticklabel_format(axis="y", scilimits=(-3, 5))
    plain(axis)
