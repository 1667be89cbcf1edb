"""Where words stand among a prompt's tokens, whatever fills it up, and what a text encoder does not see."""

import logging

import pytest
from tiny_pipeline import TOKENS, built, saved

from unlearn_cli.errors import InputError

PROMPTS = ["a photo of the airplane over hills", "a dog !"]
LONG = "a photo of the airplane over hills in the style of van gogh a"
"""16 tokens with start and end."""


@pytest.fixture(scope="module", params=["<|endoftext|>", "!"])
def tokens(request, tmp_path_factory):
    """As Stable Diffusion 1.x and 2.x fill up."""
    place = saved(tmp_path_factory.mktemp("pipelines") / "pipe", pad=request.param)
    found = built(place, PROMPTS).shared
    assert found.tokenizer.pad_token == request.param
    return found


def places(tokens, prompt: str, words: str) -> list[int]:
    return tokens.positions(tokens.number([prompt]), words)[0].nonzero().flatten().tolist()


def test_words_are_found_in_a_prompt_that_is_filled_up(tokens):
    assert places(tokens, PROMPTS[0], "airplane") == [5]
    assert places(tokens, PROMPTS[0], "over hills") == [6, 7]
    assert places(tokens, PROMPTS[0], "dog") == []
    assert places(tokens, "van gogh", "van gogh") == [1, 2]
    assert tokens.word_ids("over hills").tolist() == tokens.ids[tokens.number(PROMPTS[:1])][0, 6:8].tolist()


def test_what_fills_up_is_no_word(tokens):
    """A prompt's own "!" is."""
    assert places(tokens, PROMPTS[1], "!") == [3]
    assert places(tokens, "a dog", "!") == []
    assert tokens.mask[tokens.number(PROMPTS)].sum(1).tolist() == [9, 5]


def test_a_prompt_that_is_too_long_is_told_once(tokens, caplog):
    end = "red" if tokens.tokenizer.pad_token == "!" else "dog"
    with caplog.at_level(logging.WARNING, "unlearn"):
        for _ in range(2):
            tokens.number([LONG, f"{LONG} {end}", "a car"])
    assert [record.getMessage() for record in caplog.records] == [
        f"model: 1 of 3 prompts are longer than the {TOKENS} tokens that the text encoder reads; what comes "
        f"after has no effect (first: '{LONG} {end}')"
    ]


def test_a_concept_behind_the_cut_is_refused(tokens):
    tokens.check_told_apart(["a dog"], ["a car", LONG])
    with pytest.raises(
        InputError, match=r"^forget: '.* airplane' is to be forgotten and '.* parachute' to stay"
    ):
        tokens.check_told_apart(["a dog", f"{LONG} airplane"], ["a car", f"{LONG} parachute"])
