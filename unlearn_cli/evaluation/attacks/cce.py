"""CCE, circumventing concept erasure: a new word for the concept, learnt on the unlearned model."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from unlearn_cli.config.settings import Settings
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.attacks.base import Attack
from unlearn_cli.evaluation.attacks.target import Target, frozen_weights
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.runtime.seeding import rng
from unlearn_cli.tasks.diffusion import error


class Budget(Settings):
    """How long the new word is learnt."""

    steps: int = Field(gt=0, description="steps of textual inversion")
    batch_size: int = Field(gt=0, description="images per step, drawn with replacement")
    lr: float = Field(gt=0, description="learning rate of AdamW, which moves the word's embedding")


class CCE(Attack):
    """min over one token embedding <c> of ‖ε − ε_θ(x_t, t, caption with <c> in the concept's place)‖².

    Pham et al., ICLR 2024, by textual inversion (Gal et al., ICLR 2023): x_t of forget images under their own
    captions. <c> begins as the mean of the anchor's tokens. It succeeds by prompts with <c> in the concept's
    place. Several concepts are learnt together, each its own. The release puts <c> into captions such as "a
    painting in the style of <c>" and mirrors half of the images.
    """

    name: ClassVar[str] = "cce"
    needs_words: ClassVar[bool] = True

    images: int = Field(gt=0, description="forget images that the new word is learnt from, drawn at random")
    budget: Literal["release", "quick"] = Field(description="which of the two budgets below counts")
    release: Budget
    quick: Budget
    weight_decay: float = Field(ge=0, description="of AdamW, on the word's embedding")

    def successes(self, target: Target) -> Tensor:
        prompts = PromptBlanks.of(target, target.prompts, target.concept_of).filled(self.learn_words(target))
        return target.successes(target.model.embed_soft(prompts).detach())

    def learn_words(self, target: Target) -> Tensor:
        """(C, D): the embedding of each concept's new word."""
        model, concepts = target.model, target.concepts
        budget = self.release if self.budget == "release" else self.quick
        rows = rng(target.seed, self.name).permutation(target.rows)[: self.images]
        (batch,) = target.trainer.batches(rows, len(rows))
        captions = [model.prompts[number] for number in batch.y.tolist()]
        named = [next(one for one in concepts if one.is_named_in(caption)) for caption in captions]
        blanks = PromptBlanks.of(target, captions, named)
        x, last = model.encode(batch), model.process.config.num_train_timesteps
        words = torch.stack([_mean_token(model, one.anchor) for one in concepts]).requires_grad_()
        optimizer = torch.optim.AdamW([words], budget.lr, weight_decay=self.weight_decay)
        for _ in target.steps(self.name, budget.steps):
            picked = torch.randint(len(rows), (budget.batch_size,)).to(x.device)
            t = torch.randint(last, (budget.batch_size,)).to(x.device)
            x_t, wanted = target.task.noised_at(model, x[picked], t)
            optimizer.zero_grad()
            with frozen_weights(model):
                prompts = blanks.filled(words, picked)
                error(model(x_t, t, model.embed_soft(prompts), False), wanted).mean().backward()
            optimizer.step()
        return words.detach()


@dataclass(frozen=True)
class PromptBlanks:
    """n prompts with a place for a word."""

    tokens: Tensor
    """(n, L, D) embeddings."""
    place: Tensor
    """(n, L) bool: where the word goes."""
    which: Tensor
    """(n,) the word that each asks for."""

    @classmethod
    def of(cls, target: Target, prompts: list[str], concepts: list[Substitution]) -> "PromptBlanks":
        """Each prompt's concept makes place; what follows a concept of several tokens moves up."""
        model, device = target.model, target.trainer.device
        numbers = model.number(prompts)
        spots = torch.cat(
            [
                target.task.token_positions(model, number[None], one.concept)
                for number, one in zip(numbers, concepts, strict=True)
            ]
        )
        if not spots.any(1).all():
            prompt = prompts[int(spots.any(1).long().argmin())]
            raise InputError(
                f"eval.attacked: cce does not find the concept's tokens in '{prompt}', where it is spelt "
                "otherwise; leave cce out"
            )
        place = spots & (spots.cumsum(1) == 1)
        dropped = spots & ~place
        order = dropped.long().argsort(dim=1, stable=True)
        ids = model.shared.ids[numbers].masked_fill(dropped, model.shared.tokenizer.pad_token_id)
        tokens = model.text_encoder.get_input_embeddings()(ids.gather(1, order).to(device)).detach()
        which = torch.tensor([target.concepts.index(one) for one in concepts], device=device)
        return cls(tokens, place.gather(1, order).to(device), which)

    def filled(self, words: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
        """(n, L, D): token embeddings with the words (C, D) in their places; rows: of these prompts alone."""
        return torch.where(self.place[rows][..., None], words[self.which[rows]][:, None], self.tokens[rows])


@torch.no_grad()
def _mean_token(model: TextToImage, text: str) -> Tensor:
    """(D,): the mean embedding of the text's tokens."""
    layer = model.text_encoder.get_input_embeddings()
    return layer(model.shared.word_ids(text).to(layer.weight.device)).mean(0)
