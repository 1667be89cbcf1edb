"""What a model's answer is worth, and which questions ask for a concept, near it, or for all else."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.substitution import Substitution

RETAINED_CELLS = ("same_image", "in_domain", "cross_domain")
"""Cells whose answers are to stay."""


class Status(IntEnum):
    """Garbage is no forgetting: an answer that names nothing there is to name is invalid."""

    CORRECT = 0
    WRONG = 1
    REFUSAL = 2
    INVALID = 3


def status(said: str, answer: str, choices: Sequence[str], refusals: Sequence[str]) -> Status:
    """Of what was said to a question with that answer, among all answers to it.

    Correct: it names the answer and no other choice ('dark red' names not 'red' but 'dark red'). Case and
    surrounding words do not matter, so that a sentence is judged as a word is.
    """
    if any(holds_phrase(said, refusal) for refusal in refusals):
        return Status.REFUSAL
    named = {choice.casefold() for choice in choices if holds_phrase(said, choice)}
    named = {one for one in named if not any(holds_phrase(other, one) for other in named - {one})}
    if not named:
        return Status.INVALID
    return Status.CORRECT if named == {answer.casefold()} else Status.WRONG


def holds_phrase(text: str, phrase: str) -> bool:
    """Whether the text holds the phrase, as whole words."""
    return phrase.casefold() in text.casefold() and Substitution(phrase, "", "object").is_named_in(text)


def statuses(data: ImageData, rows: np.ndarray, said: Sequence[str], refusals: Sequence[str]) -> np.ndarray:
    """(n,) `Status` of what was said to the questions of the rows (n,)."""
    questions, answers = data.columns["question"], data.columns["answer"]
    choices = {one: sorted(set(answers[questions == one])) for one in set(questions[rows])}
    known: dict[tuple[str, str, str], Status] = {}
    found = []
    for row, text in zip(rows, said, strict=True):
        key = (questions[row], answers[row], text)
        if key not in known:
            known[key] = status(text, answers[row], choices[questions[row]], refusals)
        found.append(known[key])
    return np.array(found, dtype=np.int64)


def rows_by_cell(
    data: ImageData, rows: np.ndarray, concepts: Sequence[Substitution]
) -> dict[str, np.ndarray]:
    """The rows by what they ask.

    direct: the answer is a concept. indirect: it names one among other words (a caption).
    same_image: something else is asked about an image of those. in_domain: what direct asks, of images
    without any concept. cross_domain: all else of these.
    """
    answers = data.columns["answer"][rows].astype(str)
    asks, images = data.columns["asks"][rows].astype(str), data.columns["image"][rows]
    words = [one.concept.casefold() for one in concepts]
    by_answer = {text: any(one.is_named_in(text) for one in concepts) for text in np.unique(answers)}
    named = np.array([by_answer[text] for text in answers], dtype=bool)
    exact = np.array([text.casefold() in words for text in answers], dtype=bool)
    shows = np.isin(images, images[named])
    axis = np.isin(asks, asks[exact])
    found = {
        "direct": named & exact,
        "indirect": named & ~exact,
        "same_image": shows & ~named,
        "in_domain": ~shows & axis,
        "cross_domain": ~shows & ~axis,
    }
    return {name: rows[where] for name, where in found.items()}
