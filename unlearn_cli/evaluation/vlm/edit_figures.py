"""Pictures of an edit: what was tried, and what the features that it changes stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from safetensors.torch import load_file

from unlearn_cli.data.images import ImageData
from unlearn_cli.figures.palette import BLUE, MARKERS, OTHERS, VERMILLION, head, label, plain, save
from unlearn_cli.methods.vlm.intervention import EDITS, TRIALS
from unlearn_cli.storage.files import read_json


def edit_figures(data: ImageData, run: Path, folder: Path, shown: int, about: str = "") -> list[Path]:
    """Those of the trials and features that a method has left in the run's folder; none where it has not.

    shown: most activating images of a feature; 0 = no figure of features.
    """
    files = []
    if (run / TRIALS).is_file():
        files.append(folder / "pareto.png")
        pareto(read_json(run / TRIALS), files[-1], about)
    for path in sorted((run / EDITS).glob("*.features")) if shown else []:
        files.append(folder / f"features_{path.stem}.png")
        found = {name: part.numpy() for name, part in load_file(path).items()}
        features(data, found, path.stem, shown, files[-1], about)
    return files


def pareto(trials: list[dict[str, Any]], path: Path, about: str = "") -> None:
    """Keeping against forgetting of each trial on validation rows, by concept; the front and the choice."""
    figure = Figure(figsize=(6.4, 4.6), layout="constrained")
    axis = figure.subplots()
    for number, concept in enumerate(dict.fromkeys(trial["concept"] for trial in trials)):
        own = [trial for trial in trials if trial["concept"] == concept]
        look: dict[str, Any] = {
            "color": OTHERS[number % len(OTHERS)],
            "marker": MARKERS[number % len(MARKERS)],
        }
        axis.plot(*_points(own), linestyle="none", markersize=5, label=label(concept), **look)
        front = sorted((trial for trial in own if trial["front"]), key=lambda trial: trial["UA"])
        axis.plot(*_points(front), color=look["color"], linewidth=1)
        chosen = [trial for trial in own if trial["chosen"]]
        axis.plot(*_points(chosen), linestyle="none", markersize=14, fillstyle="none", **look)
    axis.set(xlabel="forgotten: UA (%)", ylabel="kept: right answers (%)", xlim=(-4, 104), ylim=(-4, 104))
    axis.legend(fontsize="small", frameon=False, title="concept", loc="upper left", bbox_to_anchor=(1, 1))
    plain(axis)
    head(
        figure,
        "Strengths that were tried, on validation rows (line: best compromises; large mark: chosen)",
        about,
    )
    save(figure, path)


def features(
    data: ImageData, found: dict[str, np.ndarray], concept: str, shown: int, path: Path, about: str = ""
) -> None:
    """A row for each feature: its activations on the concept and on others, its most activating images."""
    rows = np.concatenate([found["rows_on"], found["rows_off"]])
    number = len(found["on"])
    figure = Figure(figsize=(4.6 + 0.9 * shown, 1.6 + 1.2 * number), layout="constrained")
    ratios = {"width_ratios": [4, *[1] * shown]}
    axes = figure.subplots(number, shown + 1, squeeze=False, gridspec_kw=ratios)
    for place, (line, on, off) in enumerate(zip(axes, found["on"], found["off"], strict=True), start=1):
        bins = np.linspace(0, max(on.max(), off.max(), 1e-6), 30)
        for values, name, colour, hatch in ((on, "concept", VERMILLION, "//"), (off, "others", BLUE, None)):
            share = np.full(len(values), 100 / max(1, len(values)))
            line[0].hist(
                values,
                bins,
                weights=share,
                color=colour,
                alpha=0.6,
                hatch=hatch,
                edgecolor="white",
                linewidth=0,
                label=f"with {concept}" if name == "concept" else "without",
            )
        line[0].set_ylabel(f"{place}.", rotation=0, ha="right", va="center")
        line[0].set_yticks([0, 100], ["0 %", "100 %"], fontsize="x-small")
        line[0].set_ylim(0, 105)
        line[0].tick_params(axis="x", labelsize="small")
        plain(line[0])
        best = np.argsort(-np.concatenate([on, off]), kind="stable")[:shown]
        for axis, row in zip(line[1:], best, strict=False):
            axis.imshow(data.image(int(rows[row])))
        for axis in line[1:]:
            axis.set_axis_off()
    axes[0][0].set_title("share of images", fontsize="small", loc="left")
    axes[-1][0].set_xlabel("largest activation in the image", fontsize="small")
    if shown:
        first, text = axes[0][1], "most activating images, the most so first"
        told = first.text(0, 1.08, text, fontsize="small", transform=first.transAxes)
        told.set_in_layout(False)  # it is wider than its image
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper left", ncols=2, fontsize="small", frameon=False)
    which = "The feature that tells" if number == 1 else f"The {number} features that tell"
    head(figure, f"{which} '{concept}' from other images best", about)
    save(figure, path)


def _points(trials: list[dict[str, Any]]) -> np.ndarray:
    """(2, n): UA and kept."""
    return np.array([[trial["UA"], trial["kept"]] for trial in trials], dtype=float).reshape(-1, 2).T
