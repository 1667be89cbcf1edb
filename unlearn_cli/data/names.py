"""Names that people type, matched against those that exist."""

from collections.abc import Iterable, Sequence

from unlearn_cli.errors import InputError, did_you_mean


def listed(names: Iterable[object], most: int = 12) -> str:
    """'a, b, c', cut after `most` with the number left out."""
    words = [one_line(name) for name in names]
    left = len(words) - most
    return ", ".join(words[:most]) + (f" and {left} more" if left > 0 else "")


def one_line(name: object) -> str:
    """The name with line ends and other signs that cannot be printed as '\\n', '\\x1b'."""
    shown = (sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in str(name))
    return "".join(shown)


def unknown(key: str, what: str, name: object, names: Sequence[str]) -> InputError:
    """The error for a name that does not exist: the closest one, or those there are."""
    there = f"there is {listed(names) or 'none'}"
    hint = there if isinstance(name, int) else did_you_mean(one_line(name), map(one_line, names), there)
    return InputError(f"{key}: no {what} '{one_line(name)}'; {hint}")


def number_of(key: str, what: str, name: object, names: Sequence[str]) -> int:
    """The position of a name, or the number itself where no name is spelt like that."""
    if str(name) in names:
        return names.index(str(name))
    if isinstance(name, int) and 0 <= name < len(names):
        return name
    raise unknown(key, what, name, names)
