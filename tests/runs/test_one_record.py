"""Forgetting one record: a batch of one, in a network whose last layers see one pixel of it."""

import pytest
from tiny_run import unlearn


@pytest.mark.parametrize("method", ["ga", "rl"])
def test_one_record_is_forgotten(method, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tiny_run.small", lambda _: ("data.subset=0.03", "train.epochs=1", "progress=false"))
    (result,) = unlearn(
        f"method={method}",
        "method.epochs=1",
        "model=resnet18",
        "oracle=false",
        "forget.fraction=null",
        "forget.count=1",
    )
    assert result["metrics"]["UA"] in (0.0, 100.0)
