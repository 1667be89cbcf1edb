"""The caller's process: borrowed for a run, and as it was when it is given back."""

import logging
import os
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from unlearn_cli.config.composing import hydra_of_our_own
from unlearn_cli.config.plugins import used
from unlearn_cli.errors import failed_system_call
from unlearn_cli.runtime.text import Shown

log = logging.getLogger("unlearn")


@contextmanager
def borrowed(arguments: Sequence[str]) -> Iterator[None]:
    """Hydra, the logger `unlearn`, sys.argv, os.environ, plug-ins, random numbers and threads are the run's.

    Args:
        arguments: of the command that does the same, which is what a sweep's record names.

    Raises:
        RunError: in place of an OSError (a full disk, …).
    """
    argv, environment = sys.argv, dict(os.environ)
    sys.argv = ["unlearn", *arguments]
    try:
        with used(arguments), hydra_of_our_own(), _logging(), _random_numbers(), _threads():
            yield
    except OSError as error:
        if error.strerror:
            raise failed_system_call(error) from error
        raise
    finally:
        sys.argv = argv
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)


@contextmanager
def _logging() -> Iterator[None]:
    """Lines on stderr as of the command, unless the logger has handlers of the caller's."""
    handlers, level, propagate = log.handlers, log.level, log.propagate
    if not log.handlers:
        console = logging.StreamHandler()
        console.setFormatter(Shown())
        console.setLevel(logging.INFO)
        log.handlers = [console]
    log.setLevel(logging.DEBUG)  # for the log.txt of a run, which takes more than the screen
    log.propagate = False
    try:
        yield
    finally:
        log.handlers, log.propagate = handlers, propagate
        log.setLevel(level)


@contextmanager
def _random_numbers() -> Iterator[None]:
    """A run seeds Python's, NumPy's and PyTorch's generators at each step."""
    import numpy as np
    import torch

    of_python, of_numpy = random.getstate(), np.random.get_state()
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else []
    try:
        with torch.random.fork_rng(gpus):
            yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)


@contextmanager
def _threads() -> Iterator[None]:
    """A run may take fewer than the caller has, and takes no more."""
    import torch

    from unlearn_cli.runtime import threads

    before = torch.get_num_threads()
    threads.most.cache_clear()
    try:
        yield
    finally:
        torch.set_num_threads(before)
