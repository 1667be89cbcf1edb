"""The logger of this program, on the terminal."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.runtime.text import Shown


def log_to_console() -> None:
    """Lines of the logger `unlearn` on stderr; of processes other than the first, warnings alone."""
    log, console = logging.getLogger("unlearn"), logging.StreamHandler()
    console.setFormatter(Shown())
    console.setLevel(logging.INFO if is_main_process() else logging.WARNING)
    log.handlers = [console]
    log.setLevel(logging.DEBUG)  # for the log.txt of a run, which takes more than the screen
    log.propagate = False  # a library's first logging.info() gives the root a handler, which would repeat us


@contextmanager
def quietly() -> Iterator[None]:
    """Warnings and errors alone, on the terminal and in log.txt, while many of a kind are made."""
    log = logging.getLogger("unlearn")
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
