"""Vision-language models: questions about images are answered in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.batch import Batch
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.questions import Question, Questioned, as_questions
from unlearn_cli.models.vlm.vision_language import likelihood
from unlearn_cli.runtime.compute import unwrapped
from unlearn_cli.tasks.verbs.vlm import VlmVerbs
from unlearn_cli.training.trainer import Objective, Trainer


class Vlm(Settings):
    """The verbs of a `VisionLanguage`. A row is a question about an image, its class that with the answer.

    The loss of a row is the mean over its answer's tokens, the end included; question and image are given.
    """

    name: ClassVar[str] = "vlm"
    writes_delta: ClassVar[bool] = True  # a run keeps the changed tensors, not another whole model
    wrong_forwards: ClassVar[int] = 0  # another answer costs nothing

    questions: dict[str, Question] = Field(description="what every image is asked, by name")
    refusals: tuple[str, ...] = Field(min_length=1, description="answers that refuse")
    alignment: float = Field(
        ge=0,
        description="weight, while an original learns, of telling an image's answers by the projected "
        "patches' mean and the answers' token embeddings; without it shapes stay unlearnt",
    )

    batch_size: int = Field(gt=0, description="questions at once where nothing is trained; sets memory alone")

    def facts(self) -> dict[str, Any]:
        """What of the task moves the training of an original."""
        return {"name": self.name, "alignment": self.alignment}

    def as_questions(self, data: ImageData) -> Questioned:
        """The data as rows of questions."""
        return as_questions(data, self.questions)

    def texts(self, model: nn.Module, labels: Tensor) -> tuple[list[str], list[str]]:
        """Questions and answers of the classes (B,)."""
        known = unwrapped(model).pairs
        pairs = [known[label] for label in labels.tolist()]
        return [question for question, _ in pairs], [answer for _, answer in pairs]

    def likelihoods(
        self, model: nn.Module, batch: Batch, labels: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """−log p(answer | image, question), summed over its tokens, and their number; both (B,).

        labels: (B,) classes in the place of the batch's own.
        """
        return likelihood(*model(batch.x, *self.texts(model, batch.y if labels is None else labels)))

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """−log p(answer | image, question) a token, (B,), nats."""
        total, count = self.likelihoods(model, batch)
        return total / count

    def first_logits(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B, V): of the first token of the answers."""
        return model(batch.x, *self.texts(model, batch.y))[0][:, 0]

    def wrong_loss(
        self, model: nn.Module, batch: Batch, exclude_true: bool = True, where: Tensor | None = None
    ) -> Tensor:
        """As `loss`, towards another answer to the same question, drawn now among those of the data.

        where: (B,) bool, rows that get a wrong answer; the others keep the true one. None = all.
        """
        wrong = self.other_answers(model, batch.y, exclude_true)
        labels = wrong if where is None else torch.where(where, wrong, batch.y)
        total, count = self.likelihoods(model, batch, labels)
        return total / count

    def refusal_loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """As `loss`, towards a refusal, drawn now among `refusals`; (B,)."""
        drawn = torch.randint(len(self.refusals), (len(batch),)).tolist()
        questions, _ = self.texts(model, batch.y)
        total, count = likelihood(*model(batch.x, questions, [self.refusals[number] for number in drawn]))
        return total / count

    def refusal_likelihoods(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `likelihoods`, of the first refusal."""
        questions, _ = self.texts(model, batch.y)
        return likelihood(*model(batch.x, questions, [self.refusals[0]] * len(batch)))

    def likelihoods_unseen(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """As `likelihoods`, of the questions without their images."""
        return likelihood(*model(None, *self.texts(model, batch.y)))

    def answer_logits(
        self, model: nn.Module, batch: Batch, answers: Sequence[str]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, A, V) of the tokens (B, A) of any answers to the batch's questions; mask (B, A) bool."""
        return model(batch.x, self.texts(model, batch.y)[0], answers)

    def word_tokens(self, model: nn.Module, words: Sequence[str]) -> Tensor:
        """(n,) ids of all tokens that the words are made of, at the start of an answer and within."""
        tokenizer = unwrapped(model).shared.processor.tokenizer
        ids = [
            tokenizer(f"{gap}{word}", add_special_tokens=False).input_ids
            for word in words
            for gap in ("", " ")
        ]
        return torch.tensor(sorted({number for one in ids for number in one}), device=unwrapped(model).device)

    def divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> Tensor:
        """T² · KL(teacher ‖ student), the mean over the answer's tokens (B,); no gradient to the teacher."""
        return self.loss_and_divergence(student, teacher, batch, temperature)[1]

    def loss_and_divergence(
        self, student: nn.Module, teacher: nn.Module, batch: Batch, temperature: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """`loss` and `divergence`, each (B,)."""
        texts = self.texts(student, batch.y)
        logits, tokens, mask = student(batch.x, *texts)
        with torch.no_grad():
            target = teacher(batch.x, *texts)[0] / temperature
        each = F.kl_div(
            (logits / temperature).log_softmax(-1), target.log_softmax(-1), reduction="none", log_target=True
        ).sum(-1)
        total, count = likelihood(logits, tokens, mask)
        return total / count, temperature**2 * (each * mask).sum(1) / count

    def other_answers(self, model: nn.Module, labels: Tensor, exclude_true: bool = True) -> Tensor:
        """(B,) classes with the same question and an answer drawn at random, by default another one."""
        pairs = unwrapped(model).pairs
        drawn = []
        for label in labels.tolist():
            others = [n for n, (question, _) in enumerate(pairs) if question == pairs[label][0]]
            if exclude_true and len(others) > 1:
                others.remove(label)
            drawn.append(others[int(torch.randint(len(others), ()))])
        return torch.tensor(drawn, device=labels.device)

    def pretraining(self, data: ImageData, rows: np.ndarray) -> Objective:
        """How an original learns: the rows' answers, and the alignment of images and answers of a word.

        The mean of an image's projected patches is compared with the token embedding of each one-word answer
        to a question: cross-entropy over these, of the questions whose rows may be seen.
        """
        assert isinstance(data, Questioned)
        each = data.each
        seen = np.zeros(len(data), dtype=bool)
        seen[rows] = True
        labels = torch.from_numpy(np.where(seen, data.labels, -1).reshape(-1, each)).to(data.device)
        choices = [np.unique(data.labels[number::each]) for number in range(each)]

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            network = unwrapped(model)
            projected: list[Tensor] = []
            hook = network.net.get_submodule(network.projector).register_forward_hook(
                lambda module, arguments, output: projected.append(output)
            )
            with hook:
                total, count = likelihood(*model(batch.x, *self.texts(model, batch.y)))
            terms = {"train": (total / count).mean()}
            if self.alignment:
                pooled = projected[0].reshape(len(batch), -1, projected[0].shape[-1]).mean(1)
                terms["alignment"] = self.alignment * self._alignment(
                    network, pooled, labels[batch.index // each], choices
                )
            return terms

        return objective

    def _alignment(self, network: Any, pooled: Tensor, labels: Tensor, choices: list[np.ndarray]) -> Tensor:
        """labels: (B, Q), −1 where a row may not be seen. A scalar, the mean over the questions."""
        losses = []
        for own, among in zip(labels.T, choices, strict=True):
            answers = [network.pairs[number][1] for number in among]
            tokens, _ = network.shared.tokens(answers)
            if tokens.shape[1] > 2 or (own < 0).all():  # more than a word and the end; none may be seen
                continue
            embedding = network.net.get_input_embeddings()(tokens[:, 0].to(pooled.device))
            places = torch.from_numpy(among).to(own.device)
            target = (own[:, None] == places).float().argmax(1).masked_fill(own < 0, -100)
            losses.append(F.cross_entropy((pooled @ embedding.T).float(), target, ignore_index=-100))
        return torch.stack(losses).mean() if losses else pooled.new_zeros(())

    def choice(self, model: nn.Module, batch: Batch) -> Tensor:
        """(B,) class whose answer is the likeliest, a token, among all answers to the row's question."""
        pairs = unwrapped(model).pairs
        found = torch.empty_like(batch.y)
        questions, _ = self.texts(model, batch.y)
        for question in dict.fromkeys(questions):
            rows = torch.tensor([one == question for one in questions], device=batch.y.device)
            part = batch.select(rows)
            among = [number for number, (one, _) in enumerate(pairs) if one == question]
            losses = []
            for number in among:
                total, count = self.likelihoods(model, part, torch.full_like(part.y, number))
                losses.append(total / count)
            found[rows] = torch.tensor(among, device=batch.y.device)[torch.stack(losses).argmin(0)]
        return found

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
        model.eval()
        said: list[str] = []
        for batch in trainer.batches(rows, self.batch_size):
            questions = [f"{preface} {one}".strip() for one in self.texts(model, batch.y)[0]]
            x = change(model, batch) if change else batch.x
            said += unwrapped(model).answer(x, questions, tokens)
        return said

    @torch.no_grad()
    def losses(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> Tensor:
        """Loss of each row (n,) float64."""
        model.eval()
        batches = trainer.batches(rows, self.batch_size)
        return torch.cat([self.loss(model, batch).double().cpu() for batch in batches])

    def glance(self, model: nn.Module, trainer: Trainer, rows: np.ndarray) -> dict[str, float]:
        """Mean loss of the rows, nats a token."""
        return {"nll": float(self.losses(model, trainer, rows).mean())}


_: type[VlmVerbs] = Vlm  # what it claims, mypy verifies
