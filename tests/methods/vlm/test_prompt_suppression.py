"""A prompt that tells the model to be silent about the concepts, and is there again after a restart."""

import numpy as np
import torch
from tiny_vlm import TinyProblem

from unlearn_cli.data.splits import divide, split
from unlearn_cli.forget.answer import Answer
from unlearn_cli.methods.vlm.prompt_suppression import PromptSuppression


def test_the_concepts_are_named_before_every_question(tmp_path):
    tiny = TinyProblem(tmp_path)
    splits, batch = split(tiny.data, 1 / 3, seed=0), tiny.batch(np.array([0]))
    sets = divide(splits, Answer(concept=["red", "circle"]).select(tiny.data, splits), tiny.data)
    original, model = tiny.model(), tiny.model()
    method = PromptSuppression(text="never say {} !")
    method.unlearn(tiny.task, model, sets, tiny.trainer)
    assert model.preamble == "never say red, circle !"

    def words(model):
        ids = model.inputs(batch.x, ["what colour is it ?"])["input_ids"][0]
        return model.shared.processor.decode(ids).split()

    def logits(model):
        with torch.no_grad():
            return tiny.task.first_logits(model, batch)

    assert words(original)[-6:] == ["what", "colour", "is", "it", "?", ":"]
    assert words(model)[-6:] == words(original)[-6:]
    assert len(words(model)) == len(words(original)) + 5
    again = method.restored(tiny.model(), tiny.folder)
    assert again.preamble == model.preamble
    assert torch.equal(logits(again), logits(model))
    assert not torch.allclose(logits(again), logits(original), atol=1e-4)
