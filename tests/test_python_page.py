"""docs/python.md runs as it stands."""

import re
from pathlib import Path
from typing import Any

from tiny_commands import EPOCH

from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation

PAGE = Path(__file__).parents[1] / "docs" / "python.md"


def test_its_blocks_run_one_after_the_other(unlearn, monkeypatch, shared_store):
    """With the command in this process, and short."""

    def short(words, check):
        ended = unlearn(*words[1:], EPOCH, "train.epochs=1", "data.subset=0.2", f"paths.store={shared_store}")
        assert ended.code == 0, ended.err

    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])
    names: dict[str, Any] = {"short": short}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        exec(block.replace("subprocess.run", "short"), names)
    assert names["logits"].shape == (4, 10)
    assert names["result"]["method"] == "ft"
