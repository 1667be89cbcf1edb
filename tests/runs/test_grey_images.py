"""Grey images for models that take three channels: taken as such."""

import pytest
from tiny_run import unlearn

SMALL = {
    "clip": ("model.patch_size=4", "model.layers=1", "model.width=16", "model.head_width=8", "model.dim=8"),
    "vlm": ("model.patch_size=4", "model.width=32", "model.layers=2", "model.text_layers=1"),
}
GIVEN = {
    "clip": ("forget=class", "forget.classes=[3]", "task.captions=['a {label}']", "eval.relevance=0"),
    "vlm": ("+task.questions.digit.ask=which?", "+task.questions.digit.answer='{label}'", "forget.concept=3"),
}


@pytest.mark.parametrize("task", ["clip", "vlm"])
def test_digits(task, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    few = ("data.subset=0.1", "train.max_steps=1", "oracle=false", "progress=false", "method=original")
    monkeypatch.setattr("tiny_run.small", lambda _: few)
    (result,) = unlearn(f"task={task}", "data=digits", *SMALL[task], *GIVEN[task])
    assert result["metrics"]
