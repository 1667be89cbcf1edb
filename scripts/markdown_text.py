"""Text as it stands in Markdown."""


def cell(text: str) -> str:
    """Text in a table."""
    return piped(plain(text))


def piped(text: str) -> str:
    """Text, or code, of which no part ends a table's cell."""
    return text.replace("|", "\\|").replace("\n", " ")


def plain(text: str) -> str:
    """Text in which stars and angle brackets stand for themselves; code is left alone."""
    parts = text.split("`")
    return "`".join(part if number % 2 else _escaped(part) for number, part in enumerate(parts))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("*", "\\*").replace("<", "&lt;")
