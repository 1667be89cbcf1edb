"""The tokenizer of a small world."""

import subprocess
import sys

import pytest
from transformers import CLIPTokenizer

from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer

CAPTIONS = ["a red circle on a dotted wall", "one dot, 3 reds", "a left-hand cross", "cross crosses"]


@pytest.fixture(scope="module")
def tokenizer():
    return trained_tokenizer(CAPTIONS, 12)


def test_every_word_of_the_captions_is_one_token(tokenizer):
    found = tokenizer("a red circle on a dotted wall, one dot").input_ids
    tokens = tokenizer.convert_ids_to_tokens(found)
    assert tokens[1:-1] == [
        f"{word}</w>" for word in ("a", "red", "circle", "on", "a", "dotted", "wall", ",", "one", "dot")
    ]
    assert found[0] == 0
    assert found[-1] == 1


def test_other_words_fall_into_parts(tokenizer):
    ids = tokenizer("Zebra van Gogh").input_ids
    assert len(ids) > 5
    assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == "zebravangogh"


def test_prompts_are_cut_and_filled(tokenizer):
    both = tokenizer(["a", "a " * 30], padding="max_length", truncation=True).input_ids
    assert [len(ids) for ids in both] == [12, 12]
    assert both[0][2:] == [1] * 10


def test_it_is_saved_and_loaded(tokenizer, tmp_path):
    tokenizer.save_pretrained(tmp_path)
    again = CLIPTokenizer.from_pretrained(tmp_path)
    assert again(CAPTIONS).input_ids == tokenizer(CAPTIONS).input_ids


def test_equal_captions_give_equal_ids(tokenizer):
    """In this process and in others: a model's weights belong to its ids."""
    script = (
        "from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer\n"
        f"print(sorted(trained_tokenizer({CAPTIONS}, 12).get_vocab().items()))"
    )
    told = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout for _ in "ab"
    }
    assert told == {f"{sorted(tokenizer.get_vocab().items())}\n"}
