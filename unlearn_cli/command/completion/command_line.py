"""A command line as the shell reads it, up to the cursor and beyond."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import dropwhile
from pathlib import PurePath

SPECIAL = frozenset(" \t\n\"'\\$`!&;|<>(){}[]*?#~")
SPECIAL_IN_DOUBLE = frozenset('"$`\\')
HIDDEN = "\0"
HOST = "@"
"""The break that begins a word of its own in bash, a host's name, which it is part of."""


@dataclass(frozen=True)
class Word:
    """A word: as it is typed, and what the program would get."""

    raw: str = ""
    text: str = ""
    bare: str = ""
    """`raw` with HIDDEN in place of quotes and of what is quoted."""
    quote: str = ""
    """The quote that nothing closes yet."""

    def completed(self, text: str) -> str:
        """The word as it is typed once it says `text`, which begins with what it says now."""
        more = text.removeprefix(self.text)
        if self.quote == "'":
            return self.raw + more.replace("'", "'\\''")
        special = SPECIAL_IN_DOUBLE if self.quote else SPECIAL
        return self.raw + "".join(f"\\{sign}" if sign in special else sign for sign in more)

    def start(self, breaks: str) -> int:
        """From where on the shell puts something else in place of what is typed.

        Args:
            breaks: signs at which it begins a new word (bash's COMP_WORDBREAKS).
        """
        if self.quote:
            return self.raw.rfind(self.quote) + 1
        last = max((self.bare.rfind(sign) for sign in breaks), default=-1)
        return last if self.bare[last : last + 1] == HOST else last + 1


@dataclass(frozen=True)
class CommandLine:
    """`program`, the words around the one that is typed, and that one up to the cursor."""

    program: str
    before: tuple[str, ...]
    word: Word
    after: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The finished ones."""
        return self.before + self.after


def read(line: str, cursor: int, programs: frozenset[str]) -> CommandLine | None:
    """The line, from the first of these programs on; None where none of them stands before the cursor."""
    *before, word = split(line[:cursor])
    words = [*dropwhile(lambda text: PurePath(text).name not in programs, (one.text for one in before))]
    if not words:
        return None
    *after, last = split(line[cursor:])
    rest = [one.text for one in (*after, last)][0 if line[cursor : cursor + 1].isspace() else 1 :]
    return CommandLine(PurePath(words[0]).name, tuple(words[1:]), word, tuple(filter(None, rest)))


def split(line: str) -> list[Word]:
    """The words of a line; the last is the one at its end, empty after a blank."""
    return [*_words(line)]


def _words(line: str) -> Iterator[Word]:
    raw = text = bare = quote = ""
    signs = iter(line)
    for sign in signs:
        if not quote and sign.isspace():
            if raw:
                yield Word(raw, text, bare)
            raw = text = bare = ""
        elif sign == "\\" and quote != "'":
            escaped = next(signs, "")
            kept = "\\" if not escaped or (quote and escaped not in SPECIAL_IN_DOUBLE) else ""
            raw, text, bare = raw + sign + escaped, text + kept + escaped, bare + HIDDEN * 2
        elif sign == quote or (not quote and sign in "\"'"):
            raw, bare = raw + sign, bare + HIDDEN
            quote = "" if quote else sign
        else:
            raw, text, bare = raw + sign, text + sign, bare + (HIDDEN if quote else sign)
    yield Word(raw, text, bare, quote)
