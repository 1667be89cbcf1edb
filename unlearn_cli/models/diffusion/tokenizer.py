"""A CLIP tokenizer of a small world: every word of its captions is one token, others fall into letters."""

import json
import re
import string
from collections.abc import Sequence
from typing import Any

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
WORD = re.compile(r"[^\W\d_]+|\d|[^\s\w]+")  # CLIP's own words: letters, a digit, or signs
LARGEST = 10_000  # tokens: more than merging every word of a closed grammar takes
LAST = 0xE000  # a word's last letter, while training: it is another symbol than the same letter within


def trained_tokenizer(captions: Sequence[str], length: int) -> CLIPTokenizer:
    """A byte-pair encoding trained on the captions, in the format of CLIP's; `length` tokens to a prompt.

    The start has the id 0, the end, which also fills up, the id 1. Equal captions give equal ids.
    """
    letters = [c for c in string.printable if not c.isspace()]
    words = sorted({word for caption in captions for word in WORD.findall(caption.lower())})
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(  # its own end_of_word_suffix numbers the last letters by chance
        vocab_size=LARGEST,
        special_tokens=[START, END],
        initial_alphabet=letters + [chr(LAST + ord(letter)) for letter in letters],
        show_progress=False,
    )
    bpe.train_from_iterator([word[:-1] + chr(LAST + ord(word[-1])) for word in words], trainer)
    learnt = json.loads(bpe.to_str())["model"]
    vocab = {_suffixed(token): number for token, number in learnt["vocab"].items()}
    merges: Any = [(_suffixed(one), _suffixed(other)) for one, other in learnt["merges"]]
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=length)


def _suffixed(token: str) -> str:
    """As CLIP writes a token that ends a word."""
    last = ord(token[-1]) - LAST
    return f"{token[:-1]}{chr(last)}</w>" if last >= 0 else token
