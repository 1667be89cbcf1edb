"""The words of a concept, for methods that look at its tokens or erase them alone."""

import logging
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.errors import InputError
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.tasks.verbs.diffusion import HasPrompts

log = logging.getLogger("unlearn")

Erased = Literal["prompt", "concept"]
"""What a method turns away from: the whole prompt (or class) of a forgotten row, or its concept's words."""


def check_words(sets: Sets) -> None:
    """InputError if the forget set was not chosen by words."""
    if not sets.concepts:
        raise InputError(
            "forget: this method needs the concept's words; "
            "use forget=concept forget.concept=… forget.anchor=…"
        )


def check_shown(task: HasPrompts, model: TextToImage, data: ImageData, sets: Sets) -> None:
    """InputError: a forgotten prompt in which the text encoder sees none of the concepts."""
    numbers = torch.from_numpy(np.unique(data.labels[sets.forget]))
    found = [task.token_positions(model, numbers, one.concept).any(1) for one in sets.concepts]
    if not (shown := torch.stack(found).any(0)).all():
        prompt, words = data.classes[numbers[~shown][0]], " or ".join(one.concept for one in sets.concepts)
        raise InputError(
            f"forget.concept: the text encoder does not see '{words}' in '{prompt}', of which it reads "
            f"{model.shared.ids.shape[1]} tokens; name it earlier, and between spaces"
        )


def tell_split(task: HasPrompts, model: TextToImage, sets: Sets) -> None:
    """Say of which concepts the tokenizer makes several tokens."""
    for one in sets.concepts:
        tokens = int(task.token_positions(model, model.number([one.concept]), one.concept).sum())
        if tokens > 1:
            log.info("method: '%s' is %d tokens to the text encoder; all of them count", one.concept, tokens)


def check_erased(erase: Erased, model: nn.Module, sets: Sets) -> None:
    """InputError if the concept's words are asked for where there are none."""
    if erase == "concept" and not (isinstance(model, TextToImage) and sets.concepts):
        raise InputError(
            "method.erase: concept needs forget=concept of task=text_to_image, whose words are known; "
            "set method.erase=prompt"
        )


def erased(erase: Erased, model: nn.Module, sets: Sets, conditions: Tensor) -> Tensor:
    """(B,): of these forgotten conditions (B,) what is to be erased, the first concept that each names."""
    if erase == "prompt":
        return conditions
    assert isinstance(model, TextToImage)
    named = [model.prompts[number] for number in conditions.tolist()]
    words = [next(one.concept for one in sets.concepts if one.is_named_in(prompt)) for prompt in named]
    return model.number(words).to(conditions.device)
