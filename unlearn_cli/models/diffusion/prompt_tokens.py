"""Prompts known by number, as the text encoder reads them: tokens, filled up to its length or cut to it."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from unlearn_cli.errors import InputError

log = logging.getLogger("unlearn")

SHOWN = 80
"""Characters of a prompt in a message."""


class PromptTokens:
    """The prompts so far and their L tokens each."""

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        self.prompts: list[str] = []
        self.numbers: dict[str, int] = {}
        self.ids = torch.empty(0, tokenizer.model_max_length, dtype=torch.long)
        """(k, L), by number."""
        self.mask = torch.empty(0, tokenizer.model_max_length, dtype=torch.bool)
        """(k, L): which of them are the prompt's, and not what fills up."""

    def number(self, prompts: Sequence[str]) -> Tensor:
        """(n,) int64: the numbers of the prompts; new ones are added."""
        if new := [prompt for prompt in dict.fromkeys(prompts) if prompt not in self.numbers]:
            ids, mask = self.tokenized(new)
            self.numbers |= {prompt: len(self.prompts) + place for place, prompt in enumerate(new)}
            self.prompts += new
            self.ids, self.mask = torch.cat([self.ids, ids]), torch.cat([self.mask, mask])
            _tell_cut(self.cut(new), len(new), ids.shape[1])
        return torch.tensor([self.numbers[prompt] for prompt in prompts])

    def tokenized(self, prompts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Ids (n, L) int64, and which of them (n, L) bool are the prompt's, its start and end among them.

        What fills up is no word, whatever token it is: the end in Stable Diffusion 1.x, "!" in 2.x.
        """
        found = self.tokenizer(list(prompts), padding="max_length", truncation=True, return_tensors="pt")
        return found.input_ids, found.attention_mask.bool()

    def word_ids(self, text: str) -> Tensor:
        """(n,) int64: the tokens of a text alone, without its start and end."""
        ids, mask = self.tokenized([text])
        return ids[mask][1:-1]

    def positions(self, numbers: Tensor, words: str) -> Tensor:
        """(n, L) bool: where the words stand in the prompts of these numbers (n,)."""
        wanted = self.word_ids(words)
        ids = self.ids[numbers].masked_fill(~self.mask[numbers], -1)
        found = torch.zeros_like(ids, dtype=torch.bool)
        for start in range(ids.shape[1] - len(wanted) + 1):
            here = (ids[:, start : start + len(wanted)] == wanted).all(1)
            found[here, start : start + len(wanted)] = True
        return found

    def ends(self, numbers: Tensor) -> Tensor:
        """(n, L) bool: where an end token stands, be it what fills up."""
        return self.ids[numbers] == self.tokenizer.eos_token_id

    def last(self, numbers: Tensor) -> Tensor:
        """(n,) int64: the position of the last token before the end; the start's, 0, of an empty prompt."""
        return self.mask[numbers].sum(1) - 2

    def cut(self, prompts: Sequence[str]) -> tuple[str, ...]:
        """Those of the prompts whose end the text encoder does not see."""
        every = self.tokenizer(list(prompts), verbose=False).input_ids
        length = self.ids.shape[1]
        return tuple(prompt for prompt, ids in zip(prompts, every, strict=True) if len(ids) > length)

    def check_told_apart(self, forgotten: Iterable[str], others: Iterable[str]) -> None:
        """InputError: the text encoder is given the same for a forgotten prompt as for one that stays."""
        staying = {tokens: prompt for prompt, tokens in self._tokens_of(others)}
        for prompt, tokens in self._tokens_of(forgotten):
            if tokens in staying:
                raise InputError(
                    f"forget: '{shortened(prompt)}' is to be forgotten and '{shortened(staying[tokens])}' to "
                    f"stay, but they are the same to the text encoder, which reads {len(tokens)} tokens; "
                    "name the concept earlier"
                )

    def _tokens_of(self, prompts: Iterable[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Each prompt, and the L tokens that stand for it."""
        for prompt in dict.fromkeys(prompts):
            (number,) = self.number([prompt])
            yield prompt, tuple(self.ids[number].tolist())


def shortened(prompt: str) -> str:
    """Its beginning and its end."""
    half = SHOWN // 2
    return prompt if len(prompt) <= SHOWN else f"{prompt[:half]} ... {prompt[-half:]}"


@lru_cache
def _tell_cut(cut: tuple[str, ...], of: int, length: int) -> None:
    """Say, once in a process, how many of so many prompts are too long."""
    if cut:
        log.warning(
            "model: %d of %d prompts are longer than the %d tokens that the text encoder reads; what comes "
            "after has no effect (first: '%s')",
            *(len(cut), of, length, shortened(cut[0])),
        )
