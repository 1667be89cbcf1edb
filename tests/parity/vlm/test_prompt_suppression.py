"""Prompt suppression: the question with a text before it, and nothing else."""

import numpy as np
import torch

from parity.vlm.answers import row_of
from unlearn_cli.methods.vlm.prompt_suppression import PromptSuppression


def test_answers_are_those_to_the_longer_question(tiny):
    found = PromptSuppression(text="i cannot say {}").unlearn(
        tiny.task, tiny.model(), tiny.sets, tiny.trainer
    )
    plain, rows = tiny.model(), np.array([0, 4, 8])
    for row in rows:
        image, question, answer = row_of(tiny, row)
        with torch.no_grad():
            expected = plain.answer_logits(image[None], [f"i cannot say red {question}"], [answer])[0][:, 0]
            torch.testing.assert_close(tiny.task.first_logits(found, tiny.batch(np.array([row]))), expected)
