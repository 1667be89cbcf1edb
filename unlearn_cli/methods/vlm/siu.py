"""SIU: a few steps on a single image of each concept, whose answers name a substitute."""

from copy import deepcopy
from dataclasses import replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.feeds import balanced
from unlearn_cli.data.images import ImageData
from unlearn_cli.data.names import unknown
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.verbs.vlm import ReadsAnswers
from unlearn_cli.training.trainer import Trainer


class SIU(GradientMethod):
    """min_θ a·CE + b·DMK (Li et al., NeurIPS 2024), re-derived: its code has not been seen.

    Of the paper's four kinds of fine-tuning text, made here of the data's own answers: the concept's question
    is answered by another name, as a model would that never saw it; the image's description names that
    substitute; rows of D_r preserve the rest, half of every step. The fourth, which denies facts about the
    concept, has no rows here. CE of a row is the mean over the text's tokens, and so is the dual-masked

        DMK = Σ_t K_S(t) Σ_v K_V(v)·p_{θ_o}(v|t)·log(p_{θ_o}(v|t)/p_θ(v|t)),

    K_S = 0 where the substitute's name stands in place of the concept's, K_V = 0 for the concept's tokens.
    """

    needs: ClassVar[type] = ReadsAnswers
    sides: ClassVar[tuple[str, ...] | None] = None
    weigh: ClassVar[tuple[str, ...]] = ("ce_weight", "dmk_weight")

    ce_weight: float = Field(ge=0, description="a, weight of the cross-entropy")
    dmk_weight: float = Field(ge=0, description="b, weight of the dual-masked divergence")
    images: int = Field(gt=0, description="images of each concept that are trained on; the paper's is one")
    substitute: str | None = Field(
        description="name in the concept's place; null = another answer to the concept's question, drawn"
    )

    def check(self, task: ReadsAnswers, model: nn.Module, data: ImageData, sets: Sets) -> None:
        if not sets.concepts:
            raise InputError("forget: SIU replaces a concept's name, and none is named; use forget=answer")
        for one in sets.concepts:
            self.candidates(one.concept, data, sets)

    def candidates(self, concept: str, data: ImageData, sets: Sets) -> list[str]:
        """What may take the concept's place. InputError if there is nothing."""
        question, answer = data.columns["question"][sets.train], data.columns["answer"][sets.train]
        asks = np.isin(question, question[answer == concept])
        others = sorted({*answer[asks]} - {other.concept for other in sets.concepts})
        if self.substitute is None and not others:
            raise InputError(
                f"method.substitute: no question has '{concept}' for its answer; name what takes its place"
            )
        if self.substitute is None:
            return others
        words = sorted({word for text in answer for word in text.split()})
        if not {*self.substitute.split()} <= {*words}:
            raise unknown("method.substitute", "answer with", self.substitute, words)
        return [self.substitute]

    def texts(self, data: ImageData, sets: Sets, seed: int) -> tuple[dict[int, str], list[str]]:
        """By row of the chosen images the new answer; the substitutes."""
        texts: dict[int, str] = {}
        substitutes = []
        answers, images = data.columns["answer"], data.columns["image"]
        for one in sets.concepts:
            draw = rng("siu", seed, one.concept)
            substitutes.append(str(draw.choice(self.candidates(one.concept, data, sets))))
            named = np.array([row for row in sets.forget if one.is_named_in(answers[row])])
            there = np.unique(images[named])
            chosen = draw.permutation(there)[: self.images]
            instead = replace(one, anchor=substitutes[-1])
            for row in named[np.isin(images[named], chosen)].tolist():
                texts[row] = instead.to_anchor(texts.get(row, answers[row]))
        return texts, substitutes

    def unlearn(self, task: ReadsAnswers, model: nn.Module, sets: Sets, trainer: Trainer) -> nn.Module:
        original = deepcopy(model).eval().requires_grad_(False)
        texts, substitutes = self.texts(trainer.data, sets, trainer.seed)
        new = task.word_tokens(model, substitutes)
        gone = task.word_tokens(model, [one.concept for one in sets.concepts])
        answers = trainer.data.columns["answer"]

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            said = [texts.get(row, answers[row]) for row in batch.index.tolist()]
            logits, tokens, mask = task.answer_logits(model, batch, said)
            with torch.no_grad():
                before = task.answer_logits(original, batch, said)[0]
            count = mask.sum(1)
            ce = (F.cross_entropy(logits.transpose(1, 2), tokens, reduction="none") * mask).sum(1) / count
            kept = mask & ~(torch.isin(tokens, new) & batch.forget[:, None])
            dmk = (masked_divergence(before, logits, gone) * kept).sum(1) / count
            return {"ce": self.ce_weight * ce.mean(), "dmk": self.dmk_weight * dmk.mean()}

        return trainer.fit(model, balanced(np.array(sorted(texts)), sets.retain), objective, self)


def masked_divergence(before: Tensor, after: Tensor, gone: Tensor) -> Tensor:
    """Σ_v p(v)·log(p(v)/q(v)) of logits (B, A, V) over all v but those that are gone, (B, A)."""
    p, q = before.log_softmax(-1), after.log_softmax(-1)
    each = p.exp() * (p - q)
    return each.sum(-1) - each[..., gone].sum(-1)
