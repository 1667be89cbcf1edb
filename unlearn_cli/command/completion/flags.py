"""Flags and their values, as a parser of arguments knows them."""

from argparse import Action, ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from unlearn_cli.command.completion.paths import folders, paths

FOLDERS = ("config_dir", "config_path")
"""Flags of Hydra's that take a folder."""
NOT_OURS = "--shell-completion"
"""Hydra's TAB, which knows neither tasks nor values."""


def flags(parser: ArgumentParser) -> list[str]:
    """The long form of each."""
    names = [name for action in parser._actions for name in action.option_strings]
    return [name for name in names if name.startswith("--") and name != NOT_OURS]


def flag_before(parser: ArgumentParser, words: Sequence[str]) -> Action | None:
    """The flag whose value comes next."""
    known = {name: action for action in parser._actions for name in action.option_strings}
    for distance, word in enumerate(reversed(words)):
        if word in known:
            takes = known[word].nargs
            return known[word] if takes == "+" or (takes != 0 and distance == 0) else None
    return None


def flag_values(action: Action, typed: str) -> list[str]:
    """Its choices, or paths."""
    if action.dest in FOLDERS:
        return folders(typed)
    if action.type is Path or action.metavar == "FILE":
        return paths(typed)
    return [*map(str, action.choices or ())]
