"""Several concepts at once: what is asked about one of them does not count as kept by another."""

from types import SimpleNamespace

import pytest
from tiny_vlm import TinyProblem

from unlearn_cli.data.splits import divide, split
from unlearn_cli.experiment import checked
from unlearn_cli.forget.answer import Answer
from unlearn_cli.methods.vlm.dense_steering import DenseSteering

VALUES = {"layers": [None], "examples": 4, "negatives": 4, "reads": 2, "validated": 100, "tokens": 4}


@pytest.mark.parametrize(("concepts", "asks_circle"), [(["red", "circle"], False), (["red"], True)])
def test_what_is_asked_about_another_concept_is_not_to_be_kept(tmp_path, concepts, asks_circle):
    tiny, asked = TinyProblem(tmp_path), []
    splits = split(tiny.data, 1 / 3, seed=0)
    sets = divide(splits, Answer(concept=concepts).select(tiny.data, splits), tiny.data)

    def answers(model, trainer, rows, tokens):
        asked.extend(rows.tolist())
        return ["blue"] * len(rows)

    task = SimpleNamespace(answers=answers, refusals=())
    method = checked(DenseSteering, VALUES | {"direction": "difference", "alpha": [1.0]}, "method")
    method.scores(task, None, sets.concepts[0], sets, tiny.trainer)
    said = tiny.data.columns["answer"][asked]
    assert "red" in said
    assert ("circle" in said) == asks_circle
