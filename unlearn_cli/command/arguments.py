"""A command's arguments before Hydra composes them: what it would refuse at length or pass over."""

import logging
import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from hydra._internal.utils import get_args_parser

from unlearn_cli.command.subcommands import PLAN, SUBCOMMANDS
from unlearn_cli.config.catalogue import groups, options
from unlearn_cli.errors import InputError

log = logging.getLogger("unlearn")
OUTPUTS = "a run's folder follows from its configuration, below paths.outputs=…"
LOGS = "all is in log.txt of the run's folder, and UNLEARN_TRACEBACK=1 shows tracebacks"
WITHOUT_EFFECT = {
    "hydra.run": OUTPUTS,
    "hydra.sweep": OUTPUTS,
    "hydra.output_subdir": OUTPUTS,
    "hydra.job.chdir": f"a run stays where it was called; {OUTPUTS}",
    "hydra.job.env_set": "set it before the command, as in NAME=value unlearn …",
    "hydra.job": OUTPUTS,
    "hydra.runtime": OUTPUTS,
    "hydra.verbose": LOGS,
    "hydra.job_logging": LOGS,
    "hydra.hydra_logging": LOGS,
}
"""Settings of Hydra's that no run looks at, and what to do instead."""

WORD_AS_FLAG = re.compile(r"-[A-Za-z]{2,}(=|$)")
OWN_CONFIGURATION = (
    "unlearn has its own; unlearn rerun FOLDER makes a run again from its record, and --config-dir FOLDER "
    "adds YAML of yours to choose from"
)
NEEDLESS = ("experiment", "metric")
"""Groups of which no option need be chosen."""
RECIPES = "it follows from task, data and method; a paper's setting is experiment=NAME"

Nearest = Callable[[str], list[str]]


def check(typed: Sequence[str], nearest: Nearest) -> None:
    """Refuse what is neither a flag nor an override, and overrides without effect.

    Args:
        typed: in the order of the command line.
        nearest: the keys that a name may stand for.

    Raises:
        InputError: one line.
    """
    parser: Any = get_args_parser()
    parser.error = _refused
    flags = parser._option_string_actions
    for word in typed:  # argparse takes -method=ga for -m
        if WORD_AS_FLAG.match(word) and word.partition("=")[0] not in flags:
            _refuse_flag(word, typed, nearest)
    read, unknown = parser.parse_known_args([*typed])
    if flag := next((argument for argument in unknown if argument.startswith("-")), None):
        _refuse_flag(flag, typed, nearest)
    if read.shell_completion:
        raise InputError("--shell-completion: unlearn completion bash (zsh, fish) prints what TAB needs")
    for flag in ("config_path", "config_name"):
        if (getattr(read, flag) or "config") != "config":
            raise InputError(f"--{flag.replace('_', '-')}: {OWN_CONFIGURATION}")
    overrides = [*read.overrides, *unknown]  # argparse takes those before a flag alone
    for argument in overrides:
        if argument.startswith("=") or ("=" not in argument and not argument.startswith("~")):
            _refuse_word(argument, typed, nearest)
        group, _, name = argument.partition("=")
        if group in groups() and " " in name.strip('"') and "=" in name:
            apart = argument.replace('"', "")
            raise InputError(
                f"cannot read '{apart}': several arguments in one; without quotes: unlearn {apart}"
            )
    _check_effect(overrides)
    _check_groups(overrides)
    for key in (override[1:] for override in overrides if override.startswith("~")):
        if key not in NEEDLESS and "." not in key and nearest(key) == [key]:
            raise InputError(f"{key}: a run cannot do without; set {key}=…")
    if (read.package or read.resolve) and not read.cfg:
        flag = "--package" if read.package else "--resolve"
        raise InputError(
            f"{flag}: has no effect here; it goes with --cfg job, which prints the configuration"
        )
    _tell_doubles(overrides)


def _tell_doubles(overrides: Iterable[str]) -> None:
    """Of a key with several values the last counts, as with flags of any program; it is said which."""
    values: dict[str, str] = {}
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if values.setdefault(key, value) != value:
            log.warning("%s: given more than once; the last, %s, is taken", key, override)
        values[key] = value


def _check_effect(overrides: Iterable[str]) -> None:
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if value.replace(" ", "") == "{}" and key not in groups():  # Hydra merges it: what is there stays
            raise InputError(f"{key}: '{override}' changes nothing; give what it is to hold")
        name = key.replace("/", ".") + "."
        for setting, instead in WITHOUT_EFFECT.items():
            if name.startswith(f"{setting}."):
                raise InputError(f"{key}: has no effect here; {instead}")


def _check_groups(overrides: Iterable[str]) -> None:
    """What Hydra would pass over, or tell without a way out: a group has one option, no more, no less."""
    known = groups()
    for override in overrides:
        key, _, name = override.lstrip("+~").partition("=")
        if key == "recipe" and "$" not in name:
            _check_recipe(name.split(","))
        if key not in known:
            continue
        empty = override.startswith("~") or name.replace(" ", "") in ("{}", "[]")
        if empty and key not in NEEDLESS:
            raise InputError(f"{key}: '{override}' chooses nothing; {key}=NAME chooses an option")
        if override.startswith("+"):
            raise InputError(f"{key}: '{override}' adds nothing, for a run has one; set {key}={name}")


def _check_recipe(names: Iterable[str]) -> None:
    """Hydra passes over a recipe that is not there: the group is optional."""
    there = {option.name for option in options("recipe")}
    if wrong := next((name for name in names if name not in there), None):
        raise InputError(f"recipe: no option '{wrong}'; {RECIPES}")


def _refuse_flag(flag: str, typed: Sequence[str], nearest: Nearest) -> NoReturn:
    """`--method salun`, `-method=salun`: an override was meant."""
    name, _, value = flag.lstrip("-").partition("=")
    keys, value = nearest(name.replace("-", "_")), value or _next(typed, flag)
    raise InputError(f"{flag.partition('=')[0]}: no such flag; {_with_value(keys, value)}")


def _refuse_word(word: str, typed: Sequence[str], nearest: Nearest) -> NoReturn:
    """A word alone: `method salun`, `method = salun`, `method= salun`; in Python also `"method salun"`."""
    if " " in word.strip():
        typed = word.split()
        word = typed[0]
    before = typed[typed.index(word) - 1] if typed.index(word) else ""
    if before.endswith("=") and len(before) > 1:
        raise InputError(f"cannot read '{before} {word}': did you mean {before}{word}?")
    value = _next(typed, word).lstrip("=") or _next(typed, "=")
    if value and (keys := nearest(word)):
        raise InputError(f"cannot read '{word} {value}': {_with_value(keys, value)}")
    if slip := get_close_matches(word, (PLAN, *SUBCOMMANDS), 1, 0.8):
        raise InputError(f"cannot read '{word}': did you mean unlearn {slip[0]}?")
    words = f"other words are {', '.join((PLAN, *SUBCOMMANDS))} and, a command of its own, unlearn-compare"
    raise InputError(f"cannot read '{word}': key=value is right; {words}")


def _with_value(keys: list[str], value: str) -> str:
    if not keys:
        return "key=value is right; unlearn --help shows what there is"
    return f"did you mean {' or '.join(f'{key}={value}' for key in keys)}?"


def _next(typed: Sequence[str], argument: str) -> str:
    """What follows an argument, unless it is an argument of its own kind."""
    after = [*typed[typed.index(argument) + 1 :], ""][0] if argument in typed else ""
    return "" if after.startswith("-") or "=" in after.lstrip("=") else after


def _refused(message: str) -> NoReturn:
    raise InputError(f"{message}; unlearn --help shows what there is")
