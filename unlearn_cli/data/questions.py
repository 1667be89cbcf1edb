"""Questions about images: rows of (image, question), whose class is the question with its answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

import numpy as np
from pydantic import Field, field_validator
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.captions import fill_captions
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError

SEPARATOR = " → "
"""Between question and answer in a class' name."""


class Question(Settings):
    """A question and its answer, columns of the data in braces."""

    ask: str = Field(min_length=1)
    answer: str = Field(min_length=1, description="as in '{colour}'")

    @field_validator("ask", "answer")
    @classmethod
    def _names_columns(cls, text: str) -> str:
        if any(form or conversion for _, _, form, conversion in Formatter().parse(text)):
            raise ValueError("give no more than a column's name in braces, as in {label}")
        return text


@dataclass(kw_only=True)
class Questioned(ImageData):
    """Every image with every question: row = image · Q + number of the question.

    Columns, beside those of the images: `asks` (the question's name), `question`, `answer`, `image`.
    """

    images: ImageData
    each: int
    """Q, questions of an image."""

    def pixels(self, plan: Sequence[np.ndarray]) -> Iterator[Tensor]:
        return self.images.pixels([np.asarray(rows) // self.each for rows in plan])

    def held_out(self, fraction: float, generator: np.random.Generator) -> np.ndarray:
        """All questions of an image go together."""
        return self.of_images(self.images.held_out(fraction, generator))

    def other_questions(self, row: int) -> np.ndarray:
        """Rows of the same image's other questions."""
        image = np.array([row // self.each])
        return np.setdiff1d(rows_of(image, self.each), row)

    def of_images(self, images: np.ndarray) -> np.ndarray:
        """Rows of these images in their order, all questions."""
        return rows_of(images, self.each)


def as_questions(data: ImageData, questions: Mapping[str, Question]) -> Questioned:
    """All questions of all images.

    Raises:
        InputError: no question, a column that the data lack, the separator in a text, one answer to all.
    """
    if not questions:
        raise InputError(
            "task.questions: none; give at least one, as in {label: {ask: …, answer: '{label}'}}"
        )
    each, key = len(questions), "task.questions.{}.{}"
    texts, replies = [], []
    for name, one in questions.items():
        texts.append(fill_captions(one.ask, data.columns, key.format(name, "ask")))
        replies.append(fill_captions(one.answer, data.columns, key.format(name, "answer")))
    question, answer = (np.stack(parts, axis=1).ravel() for parts in (texts, replies))
    classes, labels = np.unique(
        [f"{q}{SEPARATOR}{a}" for q, a in zip(question, answer, strict=True)], return_inverse=True
    )
    for name in classes:
        if name.count(SEPARATOR) > 1:
            raise InputError(f"task.questions: '{name}' has '{SEPARATOR}' beside that between the two")
    if len(classes) < 2:
        raise InputError("task.questions: all images have one answer, so there is nothing to tell apart")
    columns = {name: np.repeat(values, each) for name, values in data.columns.items() if name != "label"}
    if "label" not in columns:
        columns["class"] = np.repeat(data.columns["label"], each)
    columns |= {
        "asks": np.tile(np.array(list(questions), dtype=object), len(data)),
        "question": question.astype(object),
        "answer": answer.astype(object),
        "image": np.repeat(np.arange(len(data)), each),
    }
    return Questioned(
        images=data,
        each=each,
        name=data.name,
        classes=[str(name) for name in classes],
        labels=labels.astype(np.int64),
        train_rows=rows_of(data.train_rows, each),
        test_rows=rows_of(data.test_rows, each),
        channels=data.channels,
        size=data.size,
        mean=data.mean,
        std=data.std,
        fingerprint=digest(data.fingerprint, *classes, labels),
        augment=data.augment,
        device=data.device,
        columns=columns,
        copies=None if data.copies is None else rows_of(data.copies, each),
    )


def rows_of(images: np.ndarray, each: int) -> np.ndarray:
    """Rows of all questions, so many of each, of these images in their order."""
    return (images[:, None] * each + np.arange(each)).ravel().astype(np.int64)
