"""Pictures of an edit: what was tried, and what the features that it changes stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from safetensors.torch import load_file

from unlearn_cli.data.images import ImageData
from unlearn_cli.figures.palette import label, save
from unlearn_cli.methods.vlm.intervention import EDITS, TRIALS
from unlearn_cli.storage.files import read_json


def edit_figures(data: ImageData, run: Path, folder: Path, shown: int) -> list[Path]:
    """Those of the trials and features that a method has left in the run's folder; none where it has not.

    shown: most activating images of a feature; 0 = no figure of features.
    """
    files = []
    if (run / TRIALS).is_file():
        files.append(folder / "pareto.png")
        pareto(read_json(run / TRIALS), files[-1])
    for path in sorted((run / EDITS).glob("*.features")) if shown else []:
        files.append(folder / f"features_{path.stem}.png")
        features(data, {name: part.numpy() for name, part in load_file(path).items()}, shown, files[-1])
    return files


def pareto(trials: list[dict[str, Any]], path: Path) -> None:
    """Keeping against forgetting of each trial on validation rows, by concept; the front and the choice."""
    figure = Figure(figsize=(5, 4), layout="constrained")
    axis = figure.subplots()
    for number, concept in enumerate(dict.fromkeys(trial["concept"] for trial in trials)):
        own, colour = [trial for trial in trials if trial["concept"] == concept], f"C{number}"
        axis.plot(*_points(own), ".", color=colour, label=label(concept))
        front = [trial for trial in own if trial["front"]]
        axis.plot(*_points(sorted(front, key=lambda trial: trial["UA"])), color=colour, linewidth=1)
        axis.plot(*_points([trial for trial in own if trial["chosen"]]), "o", ms=12, mfc="none", color=colour)
    axis.set(xlabel="UA (%, validation)", ylabel="kept (%, validation)", xlim=(-3, 103), ylim=(-3, 103))
    axis.legend(fontsize="small", title="concept (circle: chosen)")
    save(figure, path)


def features(data: ImageData, found: dict[str, np.ndarray], shown: int, path: Path) -> None:
    """A row for each feature: its activations on the concept and on others, its most activating images."""
    rows = np.concatenate([found["rows_on"], found["rows_off"]])
    number = len(found["on"])
    figure = Figure(figsize=(3 + shown, 1.3 * number), layout="constrained")
    axes = figure.subplots(number, shown + 1, squeeze=False, gridspec_kw={"width_ratios": [3, *[1] * shown]})
    for line, on, off in zip(axes, found["on"], found["off"], strict=True):
        bins = np.linspace(0, max(on.max(), off.max(), 1e-6), 30)
        for values, name in ((on, "concept"), (off, "others")):
            line[0].hist(values, bins, density=True, alpha=0.6, label=label(name))
        line[0].set(yticks=[])
        best = np.argsort(-np.concatenate([on, off]), kind="stable")[:shown]
        for axis, place in zip(line[1:], best, strict=False):
            axis.imshow(data.image(int(rows[place])))
        for axis in line[1:]:
            axis.set_axis_off()
    axes[0][0].legend(fontsize="x-small")
    save(figure, path)


def _points(trials: list[dict[str, Any]]) -> np.ndarray:
    """(2, n): UA and kept."""
    return np.array([[trial["UA"], trial["kept"]] for trial in trials]).T
