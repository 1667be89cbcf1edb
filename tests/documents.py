"""What the documents say that can be checked: links, anchors, commands."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from commands import first_run

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FILES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
EXTEND = DOCS / "extend"
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
RUN = re.compile(r"(UNLEARN_DATA=\S+ )?unlearn( plan)?( -m)?( '?[+\w]+[.@/\w]*=|$)")
CODE = re.compile(r"`([^`\n]+)`")


def plugin_files(page: Path) -> dict[str, str]:
    """The files that a page shows, by the place that it names."""
    shown = re.findall(r"^`(plugins/\S+)`:\n\n```(?:python|yaml)\n(.*?)```", page.read_text(), re.M | re.S)
    return dict(shown)


def links(file: Path) -> Iterator[tuple[Path, str]]:
    """The files and anchors of a document's relative links."""
    for path, anchor in LINK.findall(without_code(file.read_text(encoding="utf-8"))):
        yield (file.parent / path if path else file).resolve(), anchor


def anchors(file: Path) -> set[str]:
    """Those that GitHub gives a document's headings."""
    titles = HEADING.findall(without_code(file.read_text(encoding="utf-8"), spans=False))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def without_code(text: str, spans: bool = True) -> str:
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return CODE.sub("", text) if spans else text


def commands(file: Path) -> list[list[str]]:
    """The overrides of every `unlearn …` on a line of its own; of a sweep, those of its first run."""
    lines = (line.split("  #")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    return [first_run(line.partition(" --")[0]) for line in lines if RUN.match(line)]


def mentioned(file: Path) -> list[list[str]]:
    """The same of those within a sentence."""
    found = CODE.findall(file.read_text(encoding="utf-8"))
    return [first_run(code) for code in found if RUN.match(code) and _whole(code)]


def _whole(code: str) -> bool:
    try:
        return bool(shlex.split(code))
    except ValueError:
        return False
