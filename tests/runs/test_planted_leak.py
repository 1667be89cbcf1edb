"""Gradient ascent that learns on one row: attacks by row name it first. Of an oracle they know nothing."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import unlearn_cli
from unlearn_cli import attacking
from unlearn_cli.config.composing import composed
from unlearn_cli.config.plugins import used
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation
from unlearn_cli.evaluation.membership.attacked_rows import AttackedRows
from unlearn_cli.experiment import read
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Shadows
from unlearn_cli.storage.store import Store

pytestmark = pytest.mark.thorough

PERCEPTRON = Path(__file__).parents[2] / "scripts" / "controls"
LEAKY = '''
"""Gradient ascent but on one row of those to be forgotten."""

import torch
from pydantic import Field

from unlearn_cli.data.feeds import shuffled
from unlearn_cli.methods.ga import GradientAscent


class Leaky(GradientAscent):
    remembered: int = Field(description="the row, which is learned on")

    def unlearn(self, task, model, sets, trainer):
        def objective(model, batch):
            sign = torch.where(batch.index == self.remembered, 1.0, -1.0)
            return {"forget": (sign * task.loss(model, batch)).mean()}

        return trainer.fit(model, shuffled(sets.forget), objective, self)
'''
YAML = """\
# unlearn method=leaky method.remembered=7
# Gradient ascent but on one row
defaults:
  - ga
  - _self_
_target_: leaky.Leaky
remembered: ???
"""
RUN = (
    *("model=mlp", "train.epochs=20", "progress=false", "forget=random", "method.lr=0.2"),
    *("eval.attacks=[ulira,rmia]", "shadows.count=32"),
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(*overrides): its folder, and what the attacks made of each row that they were asked about."""
    plugins = tmp_path / "plugins"
    (plugins / "method").mkdir(parents=True)
    (plugins / "leaky.py").write_text(LEAKY)
    (plugins / "method" / "leaky.yaml").write_text(YAML)
    monkeypatch.setenv("UNLEARN_PLUGINS", f"{PERCEPTRON}{os.pathsep}{plugins}")
    monkeypatch.setattr(ClassifierEvaluation, "figures", lambda *_: [])
    monkeypatch.setattr(attacking, "roc_curves", lambda *_: None)

    def of(*overrides):
        result = unlearn_cli.run(*RUN, f"paths.outputs={tmp_path}", *overrides).raw
        return Path(result["folder"]), AttackedRows.read(Path(result["folder"]) / attacking.ROWS)

    return of


def remembered_most(outputs: Path, compute) -> int:
    """The forgotten row by which shadows that learned it differ most from those that did not."""
    with used([]):
        experiment = read(*composed([*RUN, "method=ga", f"paths.outputs={outputs}"]))
        pool = Shadows(Origins.of(experiment, compute, Store(outputs / "store", compute)))
        margins, rows = pool.all_margins(unlearned=False), pool.origins.sets.forget
    inside, outside = (
        np.nanmean(np.where(which, margins, np.nan), axis=0) for which in (pool.learned, ~pool.learned)
    )
    return int(rows[(inside - outside)[np.searchsorted(pool.rows, rows)].argmax()])


def above(found: AttackedRows, attack: str, row: int) -> int:
    """How many of the rows asked about in the game on forgotten ones come before it."""
    asked = found.part == "forget"
    scores = found.scores[attack][asked]
    return int((scores > scores[found.row[asked] == row]).sum())


def test_the_row_that_is_remembered_is_the_first(tmp_path, run, compute):
    _, forgotten = run("method=ga")
    row = remembered_most(tmp_path, compute)
    assert above(forgotten, "ulira", row) > 20
    folder, leaking = run("method=leaky", f"method.remembered={row}")
    assert above(leaking, "ulira", row) == above(leaking, "rmia", row) == 0
    record = json.loads((folder / attacking.RECORD).read_text())
    for attacks in (record["models"]["oracle"], record["null"]):
        for attack in ("ulira", "rmia"):
            auc = attacks[attack]["forget"]["AUC"]
            assert auc["low"] < 50 < auc["high"], attack
