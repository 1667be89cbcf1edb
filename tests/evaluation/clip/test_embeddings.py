"""The pictures of embeddings, from numbers made by hand."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from unlearn_cli.evaluation.clip import embeddings as module
from unlearn_cli.evaluation.clip.embeddings import domain_map, relevance_maps
from unlearn_cli.figures.palette import INK

DOMAINS = np.repeat(["cartoon", "photo", "sketch"], 4)


@pytest.fixture
def drawn(saved_figures):
    """The figures that were saved."""
    return saved_figures(module)


def test_the_forgotten_domain_is_marked_in_every_panel(drawn, tmp_path):
    points = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
    domain_map({"original": points, "adu": points}, DOMAINS, {"sketch"}, tmp_path / "d.png", "adu · seed 0")
    (figure,) = drawn
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["sketch (forgotten)", "cartoon", "photo"]
    assert "t-SNE" in figure.get_suptitle()
    assert figure.get_supxlabel() == "adu · seed 0"
    for axis in figure.axes:
        edged = [
            len(cloud.get_edgecolor()) and to_hex(cloud.get_edgecolor()[0]) == INK
            for cloud in axis.collections
        ]
        assert edged == [True, False, False]
        colours = {to_hex(cloud.get_facecolor()[0]) for cloud in axis.collections}
        assert len(colours) == 3


def test_relevance_has_a_scale(drawn, tmp_path):
    images, maps = [np.zeros((4, 4, 3), np.uint8)] * 2, np.linspace(-1, 1, 8).reshape(2, 2, 2)
    relevance_maps(images, ["a", "b (forgotten)"], {"original": maps, "adu": maps}, tmp_path / "r.png", "adu")
    (figure,) = drawn
    assert [axis.get_ylabel() for axis in figure.axes if axis.get_ylabel()] == [
        "image",
        "original",
        "adu",
        "cosine of patch and text",
    ]
