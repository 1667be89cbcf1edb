"""What the word at the cursor may become."""

from argparse import ArgumentParser

from unlearn_cli.command.completion.command_line import CommandLine
from unlearn_cli.command.completion.flags import flag_before, flag_values, flags
from unlearn_cli.command.completion.overrides import outputs, overrides
from unlearn_cli.command.completion.paths import folders
from unlearn_cli.command.completion.situation import Situation
from unlearn_cli.command.subcommands import FORCE, PLAN, SHELLS, SUBCOMMANDS, TUNE
from unlearn_cli.compare.command import parser as compare_parser

COMPARE = "unlearn-compare"
PROGRAMS = frozenset({"unlearn", COMPARE})
OPEN = ("=", ".", "/", ",", "[")
"""What a word ends in that goes on."""


def candidates(line: CommandLine) -> list[str]:
    """Whole words, or words up to where they go on, each beginning with what is typed; sorted."""
    return sorted({one for one in _candidates(line) if one.startswith(line.word.text)})


def is_whole(word: str, line: CommandLine) -> bool:
    """Whether nothing can follow but the next word: a sweep's values can be followed by others."""
    return not word.endswith(OPEN) and not ("=" in word and Situation(line.words).is_sweep)


def _candidates(line: CommandLine) -> list[str]:
    typed, situation = line.word.text, Situation(line.words)
    subcommand = next(iter(line.before), None) if line.program != COMPARE else None
    if subcommand == "completion":
        return [*SHELLS]
    if subcommand == "status":
        runs = outputs(situation)
        return folders(typed or f"{runs}sweeps/") or folders(typed or runs)
    if subcommand in ("rerun", "track", "verify", "export"):
        return folders(typed or outputs(situation)) or folders(typed)
    if subcommand == TUNE:
        return _of_tuning(line, typed)
    if subcommand in SUBCOMMANDS:
        return folders(typed)
    if any(word.startswith("-") for word in (*line.before, typed)):
        parser = _parser(line)
        if flag := flag_before(parser, line.before):
            return flag_values(flag, typed)
        if typed.startswith("-"):
            return [*flags(parser), *([] if line.program == COMPARE else [FORCE])]
    if line.program == COMPARE:
        return folders(typed or outputs(situation)) or folders(typed)
    return [*((PLAN, *SUBCOMMANDS) if not line.before else ()), *overrides(typed, situation)]


def _of_tuning(line: CommandLine, typed: str) -> list[str]:
    """Its own keys, and those of a run."""
    from unlearn_cli.config.tune_keys import TuneSettings

    if typed.startswith("into="):
        return [f"into={one}" for one in folders(typed.removeprefix("into="))]
    for key, values in (("halving", ("true", "false")), ("sampler", ("random", "tpe"))):
        if typed.startswith(f"{key}="):
            return [f"{key}={value}" for value in values]
    own = [f"{name}=" for name in TuneSettings.model_fields]
    return [*own, *overrides(typed, Situation(line.words[1:]))]


def _parser(line: CommandLine) -> ArgumentParser:
    if line.program == COMPARE:
        return compare_parser()
    from hydra._internal.utils import get_args_parser  # the flags are Hydra's

    return get_args_parser()
