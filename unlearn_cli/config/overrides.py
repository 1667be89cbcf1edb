"""Overrides as people type them: text that Hydra's grammar has no place for is put into its quotes.

The grammar takes ASCII letters, digits and a few signs unquoted. `forget.concept=Beyoncé`, `data.path=a#b`
and `forget.concept=O'Brien` say what they mean all the same. So does `data.path=~/images`: behind a key few
shells read `~`.
"""

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString
from hydra.errors import HydraException

from unlearn_cli.config.places import is_there

OVERRIDE = re.compile(r"([+~]{0,2}[A-Za-z_][\w.@/:]*)=(.*)", re.DOTALL)
"""Key and value."""
CHOICE = re.compile(r"choice\((.*)\)", re.DOTALL)
CALL = re.compile(r"[a-z]+\s*\(")
OPENING, CLOSING = "[{(", "]})"
HOME = "~/"
MADE = ("into", "paths.outputs", "paths.store")
"""Keys of folders that need not be there."""


def readable(arguments: Iterable[str]) -> list[str]:
    """The arguments, overrides among them so that Hydra can read them, where what is meant is beyond doubt.

    A value that begins with a quote or a bracket that nothing closes stays as it is: something is lost there.
    """
    found = [_readable(argument) for argument in arguments]
    if any(argument.startswith("oracle.") for argument in found):  # `oracle=true` would take their place
        return [re.sub("^oracle=", "oracle.compare=", argument) for argument in found]
    return found


def parsed(argument: str) -> Override | None:
    """The override, or None where Hydra cannot read it."""
    try:
        return OverridesParser.create().parse_override(argument)
    except (HydraException, ValueError):  # ValueError: more digits than Python reads
        return None


def for_each_option(arguments: Iterable[str]) -> list[str]:
    """A sweep's arguments: values below a group that is swept over become choices of one.

    Hydra looks for a fixed value's key in the group's default option, for a choice's in each run's own.
    """
    read = [(argument, parsed(argument)) for argument in arguments]
    swept = [one.package or one.key_or_group for _, one in read if one and one.is_sweep_override()]

    def below(one: Override) -> bool:
        fixed = not one.is_sweep_override() and not one.is_delete()
        return fixed and any(one.key_or_group.startswith(f"{group}.") for group in swept)

    return [_as_choice(argument) if one and below(one) else argument for argument, one in read]


def each_as_typed(override: Override) -> list[str]:
    """An override, of a sweep that of each run, its values as they were typed: Hydra writes 1e5 as 100000.0.

    Of range(3) and the like, which name no values, as Hydra has them.
    """
    if not override.is_sweep_override():
        return [override.input_line or ""]
    key, values = override.get_key_element(), [*override.sweep_string_iterator()]
    typed = (override.input_line or "").partition("=")[2].strip()
    parts = elements(CHOICE.sub(r"\1", typed))
    as_they_are = len(parts) == len(values) and not CALL.match(typed.removeprefix("choice("))
    return [f"{key}={value}" for value in (parts if as_they_are else values)]


def _as_choice(argument: str) -> str:
    key, _, value = argument.partition("=")
    return f"{key}=choice({value})"


def quoted(text: str) -> str:
    """The text in Hydra's quotes: read as nothing but text, whatever it holds."""
    return QuotedString(text, Quote.double).with_quotes()


def as_text(argument: str) -> str:
    """The override with its whole value as one text, quoted as a shell needs it."""
    key, _, value = argument.partition("=")
    return shlex.quote(f"{key}={quoted(value)}")


def elements(text: str) -> list[str]:
    """The parts between commas that stand in no bracket and in no quotes of their own."""
    parts, depth, quote, begun = [""], 0, "", False
    for sign in text:
        if quote:
            quote = "" if sign == quote and not parts[-1].endswith("\\") else quote
        elif sign in "\"'" and not begun:
            quote = sign
        elif sign == "," and depth == 0:
            parts.append("")
            begun = False
            continue
        if not quote:
            depth = max(0, depth + (sign in OPENING) - (sign in CLOSING))
        parts[-1] += sign
        begun = bool(parts[-1].strip(" [{("))
    return [part.strip() for part in parts]


def _readable(argument: str) -> str:
    found = OVERRIDE.fullmatch(argument)
    if not found or parsed(argument):
        return argument
    key, value = found.groups()
    repaired = f"{key}={_element(value, key)}"
    return repaired if parsed(repaired) else argument


def _element(value: str, key: str) -> str:
    """A value, a list, or several values of a sweep, with quotes where Hydra needs them."""
    value = value.strip()
    if parsed(f"key={value}") or value[:1] in "\"'":
        return value
    if value[0] == "[" and value[-1] == "]":
        return f"[{','.join(_element(part, key) for part in elements(value[1:-1]))}]"
    if len(parts := elements(value)) > 1:
        return ",".join(_element(part, key) for part in parts)
    return value if value[0] in "[{" else quoted(_place(value, key))


def _place(text: str, key: str) -> str:
    """`~/x` as a shell reads it, where it is there or is to be made; other text as it is."""
    if not text.startswith(HOME):
        return text
    place = Path(text).expanduser()
    return str(place) if key in MADE or is_there(place) else text
