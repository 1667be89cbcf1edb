"""The pictures of an edit, from records made by hand."""

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from tiny_vlm import TinyProblem

from unlearn_cli.evaluation.vlm import edit_figures as module
from unlearn_cli.evaluation.vlm.edit_figures import edit_figures, features, pareto
from unlearn_cli.storage.files import write_json
from unlearn_cli.storage.tensors import write_tensors


@pytest.fixture
def drawn(saved_figures):
    """The figures that were saved."""
    return saved_figures(module)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return TinyProblem(tmp_path_factory.mktemp("figures")).data


def trial(concept, ua, kept, front=True, chosen=False):
    return {"concept": concept, "UA": ua, "kept": kept, "front": front, "chosen": chosen}


TRIALS = [
    trial("red", 80.0, 60.0, chosen=True),
    trial("red", 20.0, 90.0),
    trial("red", 10.0, 40.0, front=False),
    trial("circle", 50.0, 50.0, chosen=True),
]
FOUND = {
    "rows_on": np.array([0, 3]),
    "rows_off": np.array([6, 9]),
    "on": np.array([[3.0, 1.0], [0.0, 0.5]]),
    "off": np.array([[2.0, 0.0], [0.7, 0.6]]),
}
"""Two features on two red images and two blue ones."""


def test_trials_with_their_front_and_choice(drawn, tmp_path):
    pareto(TRIALS, tmp_path / "pareto.png")
    (axis,) = drawn[0].axes
    lines = [list(map(tuple, line.get_xydata().tolist())) for line in axis.lines]
    assert lines == [
        [(80, 60), (20, 90), (10, 40)],
        [(20, 90), (80, 60)],
        [(80, 60)],
        *[[(50, 50)]] * 3,
    ]
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["red", "circle"]
    assert imread(tmp_path / "pareto.png").ndim == 3


def test_a_feature_shows_the_images_that_it_fires_most_on(drawn, data, tmp_path):
    features(data, FOUND, "red", 3, tmp_path / "features.png")
    axes = np.array(drawn[0].axes).reshape(2, 4)
    shown = [[axis.images[0].get_array() for axis in line[1:]] for line in axes]
    for line, rows in zip(shown, ([0, 6, 3], [6, 9, 3]), strict=True):
        for pixels, row in zip(line, rows, strict=True):
            assert np.array_equal(pixels, data.image(row))
    (legend,) = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["with red", "without"]
    assert "2 features that tell 'red'" in drawn[0].get_suptitle()
    assert axes[1, 0].get_xlabel() == "largest activation in the image"
    assert imread(tmp_path / "features.png").ndim == 3


def test_fewer_images_than_places_and_features_that_never_fire(drawn, data, tmp_path):
    silent = {name: part * 0 if part.ndim == 2 else part for name, part in FOUND.items()}
    features(data, silent, "red", 6, tmp_path / "features.png")
    axes = np.array(drawn[0].axes).reshape(2, 7)
    assert [len(axis.images) for axis in axes[0]] == [0, 1, 1, 1, 1, 0, 0]
    assert not any(axis.axison for axis in axes[:, 1:].ravel())


def test_a_run_is_drawn_as_far_as_it_has_left_something(drawn, data, tmp_path):
    run, folder = tmp_path, tmp_path / "figures"
    (run / "edits").mkdir()
    folder.mkdir()
    assert edit_figures(data, run, folder, 4) == []
    write_json(run / "trials.json", TRIALS)
    write_tensors(
        run / "edits" / "dark_red.features", {name: torch.from_numpy(part) for name, part in FOUND.items()}
    )
    assert edit_figures(data, run, folder, 0) == [folder / "pareto.png"]
    files = edit_figures(data, run, folder, 4)
    assert files == [folder / "pareto.png", folder / "features_dark_red.png"]
    assert all(file.is_file() for file in files)
