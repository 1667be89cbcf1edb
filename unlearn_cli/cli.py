"""The command `unlearn`. Imports nothing heavy: help and completion answer at once."""

import logging
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, NoReturn

from unlearn_cli.command.subcommands import FORCE, PLAN, SUBCOMMANDS
from unlearn_cli.config.catalogue import conf_folder, implied_choices, joined
from unlearn_cli.config.plugins import used
from unlearn_cli.errors import InputError, UnlearnError, failed_system_call
from unlearn_cli.runtime.cpu import wait_briefly
from unlearn_cli.runtime.garbage import no_collection, no_collection_at_exit
from unlearn_cli.runtime.logs import log_to_console
from unlearn_cli.runtime.process import check_launcher, is_main_process
from unlearn_cli.runtime.terminal import print_plainer
from unlearn_cli.runtime.text import KEPT, shown

if TYPE_CHECKING:
    from omegaconf import DictConfig

log = logging.getLogger("unlearn")


@dataclass
class Outcome:
    """What this command came to: Hydra would print errors in its own way, so they wait here."""

    error: BaseException | None = None
    planning: bool = False
    """Say what a sweep would do, and do nothing."""
    again: bool = False
    """Make runs again that are finished."""
    folders: list[Path] = field(default_factory=list)
    """Of the runs of a sweep that came to its end."""


outcome = Outcome()
MODES = {"-m", "--multirun", "-r", "--run", "-c", "--cfg", "-i", "--info"}
"""Hydra's flags that say what becomes of the composed configuration; one of them at most."""


def main() -> None:
    """Entry point: exit code 0, 2 for wrong input, 1 for a run (or any run of a sweep) that failed."""
    print_plainer()
    wait_briefly()
    with ExitStack() as plugins:
        try:
            plugins.enter_context(used(joined(sys.argv[1:])))
        except UnlearnError as error:
            _fail(error)
        _answer()


def _answer() -> None:
    """Do what sys.argv says, its plug-ins at hand."""
    if sys.argv[1:2] and sys.argv[1] in SUBCOMMANDS:
        _told(resolve_name(SUBCOMMANDS[sys.argv[1]]), sys.argv[2:])
        return
    if "--version" in sys.argv:
        print(f"unlearn {version('unlearn-cli')}")
        return
    from unlearn_cli.config.overrides import for_each_option, readable

    typed = readable(argument for argument in joined(sys.argv[1:]) if argument != FORCE)
    outcome.again = FORCE in sys.argv[1:]
    arguments = sys.argv[1:] = sorted(typed, key=_is_override)  # argparse wants flags on one side
    if "--help" in arguments or "-h" in arguments:
        from unlearn_cli.command.help import show_help

        _told(show_help, arguments)
        return
    about_a_sweep = any(a == PLAN or a.startswith("hydra/launcher=") for a in arguments)
    if about_a_sweep and MODES.isdisjoint(arguments):
        arguments.insert(0, "-m")  # be it of one run
    arguments += implied_choices(arguments)
    if "-m" in arguments or "--multirun" in arguments:
        arguments = for_each_option(arguments)
    sys.argv[1:] = [argument for argument in arguments if argument != PLAN]
    outcome.planning = PLAN in arguments
    log_to_console()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands its errors over instead of printing them
    outcome.error = None
    no_collection_at_exit()
    try:
        _check([argument for argument in typed if argument != PLAN])
        _compose()
    except KeyboardInterrupt as error:
        outcome.error = error
    except Exception as error:  # Hydra's, about the command line: what a run raises waits in `outcome`
        from unlearn_cli.command.explain import explain_error

        _end(explain_error(error, arguments), 2, error)
    finally:
        log.propagate = True
    if outcome.error:
        _fail(outcome.error)


def _compose() -> None:
    """Hand sys.argv to Hydra, which calls `_do_run` or, through hydra_plugins, `sweep`."""
    import hydra

    hydra.main(version_base="1.3", config_path=str(conf_folder()), config_name="config")(_do_run)()


def _do_run(config: "DictConfig") -> None:
    """Called by Hydra with the composed configuration of a single run."""
    from hydra.core.hydra_config import HydraConfig

    from unlearn_cli.compare.table import show
    from unlearn_cli.config.composing import chosen_options
    from unlearn_cli.storage.fingerprint import looked_at_once
    from unlearn_cli.storage.finished import finished_result

    choices = chosen_options(HydraConfig.get().runtime.choices)
    try:
        check_launcher()
        if outcome.planning:
            raise InputError(
                "plan: says what a sweep (-m) by hydra/launcher=local, processes or slurm would do"
            )
        with looked_at_once():
            found = None if outcome.again else finished_result(config, choices)
            result = found or _run(config, choices, HydraConfig.get().overrides.task)
        if is_main_process():
            show(result)
    except (Exception, KeyboardInterrupt) as error:
        outcome.error = error


def _run(config: "DictConfig", choices: dict[str, str], overrides: Sequence[str]) -> dict[str, Any]:
    with no_collection():
        from unlearn_cli.config.texts import with_texts
        from unlearn_cli.run import run  # with PyTorch and all that a run needs

    return run(with_texts(config, overrides), choices, outcome.again)


def sweep(where: str, settings: dict[str, Any], composed: list[Any]) -> None:
    """Called by hydra_plugins.unlearn_launcher with a sweep's composed configurations."""
    with no_collection():
        from unlearn_cli.sweep.launch import launch

    try:
        check_launcher()
        outcome.folders = launch(where, settings, composed, outcome.planning, outcome.again)
    except (Exception, KeyboardInterrupt) as error:
        outcome.error = error


def _told(answer: Callable[[list[str]], None], arguments: list[str]) -> None:
    """Call what answers without a run."""
    try:
        answer(arguments)
    except (UnlearnError, KeyboardInterrupt) as error:
        _fail(error)


def _check(typed: list[str]) -> None:
    from unlearn_cli.command.arguments import check
    from unlearn_cli.command.explain import near

    check(typed, lambda name: near(name, typed))


def _is_override(argument: str) -> bool:
    return "=" in argument and not argument.startswith("-")


def _fail(error: BaseException) -> NoReturn:
    """End with one line for an error that was foreseen; let any other go on with its traceback."""
    if isinstance(error, UnlearnError):
        _end(str(error), error.exit_code, error)
    if isinstance(error, KeyboardInterrupt):
        _end("interrupted; the same command resumes", 130)
    if isinstance(error, OSError) and error.strerror:
        _end(str(failed_system_call(error)), 1, error)
    raise error


def _end(message: str, code: int, error: BaseException | None = None) -> NoReturn:
    if error and os.environ.get("UNLEARN_TRACEBACK"):
        traceback.print_exception(error)
    print(f"error: {shown(message, KEPT)}", file=sys.stderr)
    sys.exit(code)
