"""Questions about images whose answers name a concept."""

import numpy as np
from pydantic import Field

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import unknown
from unlearn_cli.data.splits import Splits
from unlearn_cli.data.substitution import Substitution, Words
from unlearn_cli.errors import InputError
from unlearn_cli.forget.base import Selector
from unlearn_cli.forget.forget_set import ForgetSet


class Answer(Selector):
    """Training rows (image, question) whose answer names one of the concepts.

    The same images' other questions are to be kept. What the validation and test split hold of such rows is
    wholly forgotten.
    """

    concept: Words = Field(
        min_length=1, description="word or phrase of the answers that is to be forgotten; one or several"
    )

    @property
    def substitutions(self) -> tuple[Substitution, ...]:
        """One for each concept; nothing takes its place."""
        return tuple(Substitution(concept, "", "object") for concept in self.concept)

    def select(self, data: ImageData, splits: Splits) -> ForgetSet:
        if "answer" not in data.columns:
            raise InputError(f"forget: {data.name} asks no questions; forget=answer is for task=vlm")
        answers, which = np.unique(data.columns["answer"].astype(str), return_inverse=True)
        named = np.zeros(len(answers), dtype=bool)
        for one in self.substitutions:
            found = np.array([one.is_named_in(answer) for answer in answers])
            if not found.any():
                words = {word for answer in answers for word in (*answer.split(), answer)}
                shortest_first = sorted(words, key=lambda word: (word.count(" "), word))
                raise unknown("forget.concept", "answer with", one.concept, shortest_first)
            if not (found[which[splits.train]]).any():
                raise InputError(
                    f"forget.concept: '{one.concept}' is in no answer of the training rows, only in those "
                    "held out; give one that is"
                )
            named |= found
        names = named[which]
        beyond = splits.outside_training
        return self.forget_set(
            "answer",
            splits.train[names[splits.train]],
            data,
            splits,
            concepts=self.substitutions,
            forgotten_outside_training=np.sort(beyond[names[beyond]]),
        )
