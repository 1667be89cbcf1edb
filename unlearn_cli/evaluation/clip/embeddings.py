"""Pictures of embeddings: domains before and after unlearning, and where in an image its class is seen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.manifold import TSNE

from unlearn_cli.figures.palette import label, save

SEED = 42  # as in ADU's code


def domain_map(features: dict[str, np.ndarray], domains: np.ndarray, path: Path) -> None:
    """t-SNE of the image embeddings (n, E) of each model, coloured by domain (n,)."""
    figure = Figure(figsize=(4 * len(features), 4), layout="constrained")
    axes = figure.subplots(1, len(features), squeeze=False)
    for axis, (model, points) in zip(axes[0], features.items(), strict=True):
        perplexity = min(30, len(points) - 1)
        flat = TSNE(perplexity=perplexity, random_state=SEED, init="pca").fit_transform(points)
        for name in np.unique(domains):
            axis.scatter(*flat[domains == name].T, s=8, label=label(str(name)))
        axis.set(title=model, xticks=[], yticks=[])
    axes[0][-1].legend(fontsize="small")
    save(figure, path)


def relevance_maps(
    images: Sequence[np.ndarray], titles: Sequence[str], maps: dict[str, np.ndarray], path: Path
) -> None:
    """A row for each model under the images (H, W, C): the cosine of each patch and the image's class.

    maps: by model, (n, g, g); all models share a scale.
    """
    low = min(float(values.min()) for values in maps.values())
    high = max(float(values.max()) for values in maps.values())
    rows, columns = len(maps) + 1, len(images)
    figure = Figure(figsize=(1.4 * columns, 1.5 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for column, (image, title) in enumerate(zip(images, titles, strict=True)):
        axes[0][column].imshow(image)
        axes[0][column].set_title(title, fontsize="x-small")
        for row, (model, values) in enumerate(maps.items(), start=1):
            axes[row][column].imshow(values[column], vmin=low, vmax=high, cmap="magma")
            if not column:
                axes[row][0].set_ylabel(model, fontsize="small")
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    save(figure, path)
