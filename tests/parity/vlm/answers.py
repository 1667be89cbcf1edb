"""Likelihoods of answers, a row at a time and without padding, by transformers' own model."""

import copy

import numpy as np
import torch
from torch import Tensor

from parity.steps import RECIPE, assert_same, repeated, watched

PATCHES = 4
TRAINED = {
    "parameters": r"language_model\.layers|lm_head|multi_modal_projector",
    "batch_size": 4,
    "max_steps": 3,
    "lr": 0.17,
}


def row_of(tiny, row: int) -> tuple[Tensor, str, str]:
    """Its image (3, 8, 8) in [0, 1], its question and its answer."""
    columns = tiny.data.columns
    image = tiny.data.images.tensor[row // 3].float() / 255
    return image, str(columns["question"][row]), str(columns["answer"][row])


def answer_logits(
    tiny, model, row: int, answer: str | None = None, shown: bool = True
) -> tuple[Tensor, Tensor]:
    """(A, V) and the tokens (A,) of the row's answer, or of another, and of the end."""
    image, question, own = row_of(tiny, row)
    tokenizer = model.shared.processor.tokenizer

    def numbers(text: str) -> list[int]:
        return [tokenizer.convert_tokens_to_ids(word) for word in text.split()]

    said = [*numbers(own if answer is None else answer), tokenizer.eos_token_id]
    asked = numbers("<image>") * PATCHES * shown + numbers(f"{question} :")
    ids = torch.tensor([[*asked, *said]])
    mean, std = (torch.tensor(values)[:, None, None] for values in (tiny.data.mean, tiny.data.std))
    seen = {"pixel_values": ((image - mean) / std)[None]} if shown else {}
    logits = model.net(input_ids=ids, attention_mask=torch.ones_like(ids), **seen, use_cache=False).logits[0]
    return logits[len(asked) - 1 : -1].float(), torch.tensor(said)


def log_p(tiny, model, row: int, answer: str | None = None) -> Tensor:
    """(A,) of each of the answer's tokens."""
    logits, tokens = answer_logits(tiny, model, row, answer)
    return logits.log_softmax(-1)[torch.arange(len(tokens)), tokens]


def apart(tiny, model, original, row: int) -> Tensor:
    """KL(original ‖ model), the mean over the answer's tokens."""
    q = answer_logits(tiny, model, row)[0].log_softmax(-1)
    with torch.no_grad():
        p = answer_logits(tiny, original, row)[0].log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1).mean()


def mean(values) -> Tensor:
    return torch.stack([*values]).mean()


def halves(tiny, rows: np.ndarray) -> tuple[list[int], list[int]]:
    """Of the forget and of the retain set."""
    gone = np.isin(rows, tiny.sets.forget)
    return rows[gone].tolist(), rows[~gone].tolist()


def trains_as(tiny, kind, settings, loss, **changes) -> None:
    """A method's steps on the tiny problem are those of loss(model, rows, number of the step)."""
    recipe = RECIPE | TRAINED | changes
    start, stages = tiny.model(), watched(tiny.trainer)
    method = kind(**recipe, **settings)
    names = method.trained_names(start)
    found = method.unlearn(tiny.task, tiny.model(), tiny.sets, tiny.trainer)
    steps = stages["unlearn"]
    assert len(steps) == recipe["max_steps"]
    assert_same(found, repeated(copy.deepcopy(start), names, steps, loss, lr=recipe["lr"]), start, names)
