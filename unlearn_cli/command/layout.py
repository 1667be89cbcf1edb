"""Text in the terminal's width: nothing is cut, in a pipe or in a narrow window either."""

from collections.abc import Iterable
from textwrap import wrap

from rich.console import Console
from rich.text import Text

NARROWEST = 40
GAP = 2


class Page:
    """Prints titles, paragraphs and definitions; colours where there is a terminal."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self.width = max(NARROWEST, self.console.width)
        self.begun = False

    def title(self, text: str) -> None:
        """In bold, after an empty line."""
        for line in [*([""] if self.begun else []), *_wrapped(text, self.width)]:
            self._print(Text(line, "bold"))

    def paragraph(self, text: str) -> None:
        for line in _wrapped(text, self.width):
            self._print(Text(line))

    def definitions(self, rows: Iterable[tuple[str, str]], widest: int = 24) -> None:
        """Terms, and what they are beside them; below where a term is wider than `widest` characters."""
        found = [*rows]
        fitting = [len(term) for term, _ in found if len(term) <= min(widest, self.width // 2)]
        indent = max(fitting, default=4) + GAP
        for term, text in found:
            lines = _wrapped(text, self.width - indent) or [""]
            if len(term) + GAP <= indent:
                self._print(Text.assemble((term.ljust(indent), "cyan"), lines.pop(0)))
            else:
                for part in _wrapped(term, self.width, GAP):
                    self._print(Text(part, "cyan"))
            for line in filter(None, lines):
                self._print(Text(" " * indent + line))

    def _print(self, line: Text) -> None:
        line.rstrip()
        self.begun = True
        self.console.print(line)


def _wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Lines, all but the first indented; broken within a word only where it is wider than a line."""
    return wrap(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)
