"""Columns of a table in parts that are no wider than the terminal: no number is ever cut."""

from collections.abc import Iterator, Mapping

GAP = 2  # between columns: the box's own and one of padding


def parts(widths: Mapping[str, int], left: int, width: int) -> Iterator[list[str]]:
    """Names of columns that fit side by side, each part beside the rows' names once more.

    Args:
        widths: cells that each column needs.
        left: cells that the rows' names take.
        width: of the terminal.
    """
    part: list[str] = []
    used = left
    for name, needed in widths.items():
        if part and used + GAP + needed > width:
            yield part
            part, used = [], left
        part.append(name)
        used += GAP + needed
    yield part
