"""Which of the splits that there are is trained on, validated on, tested on: in any case and usual name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from unlearn_cli.data.names import listed
from unlearn_cli.errors import InputError

AUTO = "auto"
"""The data's own split where there is one."""
SPELLINGS = (("train", "training"), ("validation", "valid", "val", "dev"), ("test", "testing"))
"""Names of one split each."""
WORDS = frozenset(word for names in SPELLINGS for word in names)


def spelt(wanted: str, there: Iterable[str]) -> str | None:
    """The one that is meant: as it is written, else in another case, else by another usual name."""
    there = list(there)
    if wanted in there:
        return wanted
    known = next((names for names in SPELLINGS if wanted.casefold() in names), ())
    for name in (wanted.casefold(), *known):
        if found := next((one for one in there if one.casefold() == name), None):
            return found
    return None


def split_of_file(name: str) -> str | None:
    """The split that a table's file name tells: 'train-00000-of-00001.parquet', 'my_Test.parquet'."""
    stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if shard := re.fullmatch(r"(.+?)-\d{5}-of-\d{5}.*", stem):
        return shard[1]
    words = {word: word.casefold() for word in re.split(r"[^a-zA-Z]+", stem)}
    said = {next(names[0] for names in SPELLINGS if one in names) for one in words.values() if one in WORDS}
    return said.pop() if len(said) == 1 else None


@dataclass(frozen=True)
class Chosen:
    """The splits by their own names; None: a part of the train rows is held out."""

    train: str
    val: str | None
    test: str | None
    notes: tuple[str, ...]
    """What a person should know of the choice."""


def choose(there: Sequence[str], train: str, val: str | None, test: str | None, place: object) -> Chosen:
    """`val`, `test`: a name; auto; None, a part of the train rows.

    Where the data have a validation split and no test split, the former is tested on (as ImageNet's is).

    Raises:
        InputError: no split of that name, or one for two.
    """
    chosen = {"train_split": _found("train_split", train, there, place)}
    named = {
        key: name for key, name in (("val_split", val), ("test_split", test)) if name not in (None, AUTO)
    }
    chosen |= {key: _found(key, name, there, place) for key, name in named.items()}
    notes = []
    if test == AUTO:
        left = [name for name in there if name not in chosen.values()]
        if found := spelt("test", left) or (spelt("validation", left) if val in (None, AUTO) else None):
            chosen["test_split"] = found
            notes.append(f"test rows are those of '{found}'")
    if val == AUTO:
        left = [name for name in there if name not in chosen.values()]
        if found := spelt("validation", left):
            chosen["val_split"] = found
            notes.append(f"validation rows are those of '{found}'")
    for key, name in chosen.items():
        if same := next((other for other in chosen if other < key and chosen[other] == name), None):
            raise InputError(f"data.{key}: '{name}' is data.{same}, too; rows are of one split alone")
    if unused := [name for name in there if name not in chosen.values()]:
        notes.append(f"not used: split {listed(unused)}")
    return Chosen(chosen["train_split"], chosen.get("val_split"), chosen.get("test_split"), tuple(notes))


def _found(key: str, wanted: str, there: Sequence[str], place: object) -> str:
    found = spelt(wanted, there)
    if found is None:
        part = {"test_split": "train", "val_split": "train"}.get(key)
        hint = f"; data.{key}=null holds out a part of the {part} rows" if part else ""
        raise InputError(f"data.{key}: no split '{wanted}' in '{place}'; there is {listed(there)}{hint}")
    return found
