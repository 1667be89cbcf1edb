"""The picture of questions and answers, from answers made by hand."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.image import imread

from unlearn_cli.data.answers import Status
from unlearn_cli.evaluation.vlm import answer_figure as module
from unlearn_cli.evaluation.vlm.answer_figure import MARKS, Asked, draw_answers

LONG = "a sentence that goes on and on, since this model was made to describe pictures at length " * 3


@pytest.fixture
def drawn(saved_figures):
    """The figures that were saved."""
    return saved_figures(module)


def asked(**said):
    image = np.full((4, 8, 3), 90, np.uint8)
    return Asked(image, "what colour is it ?", "red", said)


def test_each_answer_stands_in_its_model_s_column_with_its_mark(drawn, tmp_path):
    before, after = ("red", Status.CORRECT), ("I cannot answer", Status.REFUSAL)
    groups = {
        "gone": [asked(original=before, npo=after)],
        "none": [],
        "kept": [asked(original=before, npo=("", Status.INVALID))],
    }
    draw_answers(groups, {"gone"}, tmp_path / "a.png", "npo · seed 0")
    (axis,) = drawn[0].axes
    texts = {text.get_text(): text for text in axis.texts}
    assert {"✓ red", "∅ I cannot answer", "? (nothing)", "npo · seed 0", "gone", "kept"} <= texts.keys()
    assert "none" not in texts
    assert texts["∅ I cannot answer"].get_position()[0] == texts["npo"].get_position()[0]
    assert to_hex(texts["✓ red"].get_color()) == MARKS[Status.CORRECT][1].lower()
    assert [texts[name].get_bbox_patch() is not None for name in ("gone", "kept")] == [True, False]
    assert len(axis.images) == 2
    assert imread(tmp_path / "a.png").ndim == 3


def test_long_answers_find_room(drawn, tmp_path):
    rows = [asked(original=(LONG, Status.WRONG), npo=(LONG, Status.WRONG)) for _ in range(2)]
    draw_answers({"gone": rows}, (), tmp_path / "a.png")
    figure = drawn[0]
    boxes = [text.get_window_extent() for text in figure.axes[0].texts if "sentence" in text.get_text()]
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    assert all(box.x1 < figure.bbox.x1 for box in boxes)
