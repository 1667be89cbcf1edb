"""docs/python.md and docs/unlearn.ipynb run as they stand."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tiny_commands import EPOCH

import unlearn_cli.api
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation

DOCS = Path(__file__).parents[1] / "docs"
SHORT = ("data.subset=0.2", "model.depth=8", "model.width=8", "train.epochs=1", "progress=false")


@pytest.fixture(autouse=True)
def short(monkeypatch, tmp_path, shared_store):
    """Runs of a second, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])
    for name in ("run", "sweep", "tune"):
        function = getattr(unlearn_cli.api, name)
        tiny = (*SHORT, EPOCH, f"paths.store={shared_store}")

        def shortened(*overrides, function=function, tiny=tiny):
            given = {override.partition("=")[0] for override in overrides}
            return function(*overrides, *(value for value in tiny if value.partition("=")[0] not in given))

        monkeypatch.setattr(unlearn_cli.api, name, shortened)


def test_the_page():
    names: dict[str, Any] = {}
    for block in re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL):
        exec(block, names)
    assert names["logits"].shape == (4, 10)
    assert names["result"].method == "ft"
    found = [(result.method, result.seed) for result in names["results"]]
    assert found == [("ft", 0), ("ft", 1), ("ga", 0), ("ga", 1)]
    assert names["message"] == "method: no option 'salum'; did you mean 'salun'?"


def test_the_notebook():
    cells = json.loads((DOCS / "unlearn.ipynb").read_text())["cells"]
    names: dict[str, Any] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            exec("".join(cell["source"]), names)
    assert names["result"]._repr_markdown_().startswith("|  | salun |")
    assert {row["name"] for row in names["table"].rows} == {"oracle", "original", "salun", "ft", "ga"}
