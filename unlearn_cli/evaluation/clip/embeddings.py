"""Pictures of embeddings: domains before and after unlearning, and where in an image its class is seen."""

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from unlearn_cli.figures.palette import (
    BLUE,
    GREEN,
    GREY,
    INK,
    MARKERS,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    head,
    label,
    legend_beside,
    save,
    wrapped,
)

SEED = 42  # as in ADU's code
NAMED = 10  # domains that are told apart; the rest are grey
FORGOTTEN, KEPT = (VERMILLION, ORANGE), (BLUE, GREEN, SKY, PURPLE)


def domain_map(
    features: dict[str, np.ndarray],
    domains: np.ndarray,
    forgotten: Collection[str],
    path: Path,
    about: str = "",
) -> None:
    """t-SNE of the image embeddings (n, E) of each model, by domain (n,); the forgotten are dark-edged."""
    figure = Figure(figsize=(1.6 + 3.6 * len(features), 4.4), layout="constrained")
    axes = figure.subplots(1, len(features), squeeze=False)
    names = sorted(np.unique(domains), key=lambda name: (name not in forgotten, name))
    for axis, (model, points) in zip(axes[0], features.items(), strict=True):
        perplexity = min(30, len(points) - 1)
        flat = TSNE(perplexity=perplexity, random_state=SEED, init="pca").fit_transform(points)
        for number, name in enumerate(names[:NAMED]):
            gone = name in forgotten
            colours, place = (FORGOTTEN, number) if gone else (KEPT, number - len(forgotten))
            axis.scatter(
                *flat[domains == name].T,
                s=30 if gone else 14,
                color=colours[place % len(colours)],
                marker=MARKERS[number % len(MARKERS)],
                edgecolor=INK if gone else "none",
                linewidth=0.7,
                zorder=3 if gone else 2,
                label=label(f"{name} (forgotten)" if gone else str(name)),
            )
        if others := names[NAMED:]:
            axis.scatter(
                *flat[np.isin(domains, others)].T, s=8, color="lightgrey", label=f"{len(others)} more"
            )
        axis.set(title=model, xticks=[], yticks=[])
    legend_beside(figure, axes[0][0])
    head(
        figure, "Embeddings of test images by domain (t-SNE; distances between far groups mean little)", about
    )
    save(figure, path)


def relevance_maps(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    maps: dict[str, np.ndarray],
    path: Path,
    about: str = "",
) -> None:
    """A row for each model under the images (H, W, C): the cosine of each patch and the image's class.

    maps: by model, (n, g, g); all models share a scale.
    """
    low = min(float(values.min()) for values in maps.values())
    high = max(float(values.max()) for values in maps.values())
    rows, columns = len(maps) + 1, len(images)
    figure = Figure(figsize=(max(4.8, 1.8 + 1.2 * columns), 1 + 1.3 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for column, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes[0][column].imshow(image)
        axes[0][column].set_title(wrapped(title, 16, 3), fontsize="x-small")
        for row, values in enumerate(maps.values(), start=1):
            drawn = axes[row][column].imshow(values[column], vmin=low, vmax=high, cmap="cividis")
    for axis, name in zip(axes[:, 0], ("image", *maps), strict=True):
        axis.set_ylabel(wrapped(name, 12, 2), fontsize="small")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_edgecolor(GREY)
    figure.colorbar(drawn, ax=axes[1:], label="cosine of patch and text", shrink=0.8)
    head(figure, "Where each model sees the image's class", about)
    save(figure, path)
