"""`unlearn completion bash`: what a shell reads to complete, and the answers to what it asks then."""

import os
from pathlib import Path

from unlearn_cli.command.completion.candidates import PROGRAMS, candidates, is_whole
from unlearn_cli.command.completion.command_line import CommandLine, read
from unlearn_cli.command.subcommands import SHELLS
from unlearn_cli.config.catalogue import joined
from unlearn_cli.config.plugins import used
from unlearn_cli.errors import InputError
from unlearn_cli.runtime.garbage import no_collection

REPLY = "--reply"
HELP = """\
unlearn completion SHELL prints what makes TAB complete unlearn and unlearn-compare. The line for

  bash, in ~/.bashrc:                    eval "$(unlearn completion bash)"
  zsh, in ~/.zshrc:                      eval "$(unlearn completion zsh)"
  fish, in ~/.config/fish/config.fish:   unlearn completion fish | source"""


def completion(arguments: list[str]) -> None:
    """Print a shell's script; with `--reply`, which the scripts give, what may stand at the cursor.

    The shell says by COMP_LINE and COMP_POINT (bash's names) what is typed and where the cursor is.

    Raises:
        InputError: no such shell.
    """
    if {"--help", "-h"} & {*arguments}:
        print(HELP)
        return
    shell, *more = arguments or [""]
    if shell not in SHELLS or more not in ([], [REPLY]):
        raise InputError(f"completion: give a shell ({', '.join(SHELLS)}), as in unlearn completion bash")
    if not more:
        print(Path(__file__).with_name(f"unlearn.{shell}").read_text(encoding="utf-8"), end="")
        return
    try:
        for answer in answers(shell, os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])):
            print(answer)
    except Exception:  # whatever is wrong with the line, a prompt is no place to say it
        if os.environ.get("UNLEARN_TRACEBACK"):
            raise


def answers(shell: str, line: str, cursor: int) -> list[str]:
    """The candidates as the shell is to put them; a blank ends a whole word."""
    found = read(line, cursor, PROGRAMS)
    if not found:
        return []
    with no_collection(), used(joined(found.words)):
        there = candidates(found)
    if shell == "fish":
        return there  # it quotes, and it sees for itself what goes on
    start = found.word.start(os.environ.get("COMP_WORDBREAKS", ""))
    return [f"{found.word.completed(one)[start:]}{_end(one, found)}" for one in there]


def _end(word: str, line: CommandLine) -> str:
    return " " if is_whole(word, line) and not line.word.quote else ""
