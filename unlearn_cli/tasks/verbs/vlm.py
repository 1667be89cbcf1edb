"""The verbs of vision-language models, beside those of any family.

A row is a question about an image, its class (B,) int64 the question with its answer.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.images import ImageData
from unlearn_cli.tasks.verbs.base import HasDivergence, HasWrongLoss, Pretrains, Task, WritesDelta
from unlearn_cli.training.trainer import Trainer


@runtime_checkable
class AsksQuestions(Protocol):
    def as_questions(self, data: ImageData) -> ImageData:
        """The data as rows of questions, so many for each image."""


class HasLikelihoods(Protocol):
    """−log p(answer | image, question), summed over its tokens, and their number; both (B,)."""

    def likelihoods(
        self, model: nn.Module, batch: Batch, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Of the batch's answers. labels: (B,) classes in the place of the batch's own."""

    def likelihoods_unseen(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Of the questions without their images."""

    def choice(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B,) class whose answer is the likeliest, a token, among all answers to the row's question."""


class Answers(Protocol):
    """Answers in words."""

    batch_size: int
    """Questions at once where nothing is trained."""

    def answers(
        self,
        model: nn.Module,
        trainer: Trainer,
        rows: np.ndarray,
        tokens: int,
        preface: str = "",
        change: Callable[[nn.Module, Batch], Tensor] | None = None,
    ) -> list[str]:
        """Greedy answers to the rows' questions, of so many tokens at most.

        preface: text before each question. change: gives the images to look at in the place of a batch's own.
        """

    def first_logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, V): of the first token of the answers."""

    def texts(self, model: nn.Module, labels: Tensor) -> tuple[list[str], list[str]]:
        """Questions and answers of the classes (B,)."""


class ReadsAnswers(Protocol):
    """Any words can stand for an answer."""

    def answer_logits(
        self, model: nn.Module, batch: Batch, answers: Sequence[str]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, A, V) of the tokens (B, A) of any answers to the batch's questions; mask (B, A) bool."""

    def word_tokens(self, model: nn.Module, words: Sequence[str]) -> Tensor:
        """(n,) ids of all tokens that the words are made of, at the start of an answer and within."""


class Refuses(Protocol):
    refusals: tuple[str, ...]
    """Answers that refuse."""

    def refusal_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """As `loss`, towards a refusal, drawn now among `refusals`; (B,)."""

    def refusal_likelihoods(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `HasLikelihoods.likelihoods`, of the first refusal."""


class VlmVerbs(
    Task,
    HasWrongLoss,
    HasDivergence,
    Pretrains,
    WritesDelta,
    AsksQuestions,
    HasLikelihoods,
    Answers,
    ReadsAnswers,
    Refuses,
    Protocol,
):
    """All that `Vlm` offers."""
