import numpy as np
import pytest
from layout import cut_off
from matplotlib.figure import Figure
from matplotlib.image import imread

from unlearn_cli.figures import grids
from unlearn_cli.figures.grids import confusion_matrix, sample_grid, strip


@pytest.fixture
def drawn(saved_figures) -> list[Figure]:
    """The figures that were saved."""
    return saved_figures(grids)


def flat(*values: int, size: tuple[int, int] = (2, 3), channels: int = 1) -> np.ndarray:
    """Images (n, H, W, C) of one value each."""
    shape = (len(values), *size, channels)
    return np.broadcast_to(np.array(values, dtype=np.uint8)[:, None, None, None], shape).copy()


def names(axis) -> list[str]:
    return [text.get_text() for text in axis.get_yticklabels()]


def shaded(axis) -> list[str]:
    return [text.get_text() for text in axis.get_yticklabels() if text.get_bbox_patch()]


def test_a_strip_is_the_images_with_a_white_pixel_between():
    images = np.arange(2 * 2 * 2 * 3, dtype=np.uint8).reshape(2, 2, 2, 3)
    row = strip(images)
    assert row.shape == (2, 5, 3)
    assert row.dtype == np.uint8
    np.testing.assert_array_equal(row[:, :2], images[0])
    np.testing.assert_array_equal(row[:, 3:], images[1])
    assert (row[:, 2] == 255).all()


def test_a_strip_of_one_image_is_the_image():
    np.testing.assert_array_equal(strip(flat(7)), flat(7)[0])


def test_sample_grid_has_a_block_per_model_and_a_row_per_class(tmp_path, drawn):
    labels = np.array([1, 0, 1, 0, 1])
    models = {"original": flat(10, 20, 30, 40, 50), "ga": flat(11, 21, 31, 41, 51)}
    sample_grid(models, labels, ["a", "b"], (1,), tmp_path / "s.png", per_row=3)
    original, ga = drawn[0].axes
    assert (original.get_title(), ga.get_title()) == ("original", "ga")
    pixels = np.asarray(original.images[0].get_array())
    assert pixels.shape == (2 * 2 + 1, 3 * 3 + 2)
    # Class a (20, 40 and none), a white line, class b (10, 30, 50).
    assert pixels[0, [0, 3, 4, 7, 8]].tolist() == [20, 255, 40, 255, 255]
    assert (pixels[2] == 255).all()
    assert pixels[3, [0, 4, 8]].tolist() == [10, 30, 50]
    np.testing.assert_array_equal(np.asarray(ga.images[0].get_array())[3:, 0], [11, 11])
    assert names(original) == ["a", "b"]
    assert shaded(original) == ["b"]
    for axis in (original, ga):
        (frame,) = axis.patches
        assert (frame.get_y(), frame.get_height()) == (2, 3)  # the white lines round class b
    assert imread(tmp_path / "s.png").std() > 0


def test_there_are_as_many_columns_as_images(tmp_path, drawn):
    """Text-to-image draws one image of a prompt by default: no room is left for three more."""
    sample_grid({"original": flat(10, 20)}, np.array([0, 1]), ["a", "b"], (1,), tmp_path / "s.png")
    assert np.asarray(drawn[0].axes[0].images[0].get_array()).shape == (2 * 2 + 1, 3)


def test_long_prompts_are_read_to_their_end(tmp_path, drawn):
    prompts = [
        f"{number}: a photograph of a red circle on a dotted background, by night" for number in range(3)
    ]
    about = "doco · shapes · tiny_sd · forgotten: concept dotted · seed 0"
    models = {"epoch 1": flat(10, 20, 30)}
    sample_grid(models, np.arange(3), prompts, (1,), tmp_path / "s.png", kinds="prompts", about=about)
    (figure,) = drawn
    assert [name.replace("\n", " ") for name in names(figure.axes[0])] == prompts
    assert not cut_off(figure)
    assert "prompts" in figure.get_suptitle()
    assert figure.get_supxlabel() == about
    confusion_matrix(np.arange(3), np.arange(3), prompts, (0,), tmp_path / "c.png", about)
    assert not cut_off(drawn[1])


def test_small_pixels_stay_sharp(tmp_path):
    """A chequered 8 x 8 image has two levels in the figure, black and white, where it is drawn."""
    chequered = np.indices((8, 8)).sum(axis=0) % 2 * np.uint8(255)
    images = np.broadcast_to(chequered[..., None], (4, 8, 8, 1)).astype(np.uint8)
    sample_grid({"original": images}, np.zeros(4, dtype=int), [" "], (), tmp_path / "s.png")
    picture = imread(tmp_path / "s.png")[..., :3]
    height, width, _ = picture.shape
    assert height < width < 1200
    lower = picture[height * 3 // 5 :]  # below the titles
    assert (lower < 0.01).mean() > 0.1
    assert np.isin(lower, (0, 1)).mean() > 0.99


def test_of_many_classes_the_forgotten_come_first_and_a_dozen_is_shown(tmp_path, drawn):
    labels = np.repeat(np.arange(100), 2)
    images = flat(*labels, channels=3)
    classes = [f"c{i}" for i in range(100)]
    sample_grid({"original": images}, labels, classes, (77, 3), tmp_path / "s.png")
    (axis,) = drawn[0].axes
    assert names(axis) == ["c3", "c77", "c0", "c1", "c2", *(f"c{i}" for i in range(4, 11))]
    assert "12 of 100 classes" in drawn[0].get_suptitle()
    sample_grid({"original": images}, labels, classes, range(50), tmp_path / "s.png")
    assert shaded(drawn[1].axes[0]) == [f"c{i}" for i in range(6)]
    assert len(names(drawn[1].axes[0])) == 12


def test_confusion_rows_are_percentages_of_the_requested_class(tmp_path, drawn):
    labels, judged = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 2, 2, 2, 1, 1])
    confusion_matrix(judged, labels, ["a", "b", "c"], (0,), tmp_path / "c.png")
    axis = drawn[0].axes[0]
    percent = np.ma.filled(axis.images[0].get_array(), np.nan)
    np.testing.assert_array_equal(percent, [[25, 0, 75], [0, 100, 0], [np.nan] * 3])
    written = {text.get_position()[::-1]: text.get_text() for text in axis.texts}  # (row, column)
    assert written == {(0, 0): "25", (0, 2): "75", (1, 1): "100"}
    assert shaded(axis) == ["a"]
    (frame,) = axis.patches
    assert (frame.get_y(), frame.get_height(), frame.get_width()) == (-0.5, 1, 3)
    height, width, _ = imread(tmp_path / "c.png").shape
    assert 500 < height < width < 1200


def test_a_large_confusion_matrix_names_forgotten_classes_and_writes_no_numbers(tmp_path, drawn):
    labels = np.arange(100)
    confusion_matrix(labels, labels, [f"c{i}" for i in labels], (77, 3), tmp_path / "c.png")
    axis = drawn[0].axes[0]
    assert names(axis) == ["c3", "c77"]
    assert axis.get_yticks().tolist() == [3, 77]
    assert not axis.texts
    assert max(imread(tmp_path / "c.png").shape) < 2500
