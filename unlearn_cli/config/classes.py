"""The package's own classes, found by name in its files without importing them."""

import re
from collections.abc import Iterator
from pathlib import Path

from unlearn_cli.errors import did_you_mean

PACKAGE = Path(__file__).parents[1]


def is_own(target: str) -> bool:
    """Whether a dotted name claims to be of this package."""
    return target.partition(".")[0] == PACKAGE.name


def nearest_class(target: str) -> str:
    """For a dotted name that cannot be imported: where a class of that name stands, or the one most like it.

    Versions move classes from module to module; what others wrote down keeps their old names.
    """
    known = list(_own_classes()) if is_own(target) else []
    name = target.rpartition(".")[2]
    same_name = [one for one in known if one.rpartition(".")[2] == name]
    return did_you_mean(target, same_name or known, "name a class as module.Class")


def _own_classes() -> Iterator[str]:
    """The dotted name of every class that the package defines."""
    for file in PACKAGE.rglob("*.py"):
        module = ".".join((PACKAGE.name, *file.relative_to(PACKAGE).with_suffix("").parts))
        for name in re.findall(r"^class (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"{module}.{name}"
