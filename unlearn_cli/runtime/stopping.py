"""SIGTERM and SIGUSR2 ask a run to stop at the next step, with a checkpoint."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from unlearn_cli.errors import Preempted

_received: list[tuple[int, FrameType | None]] = []
_previous: dict[int, Any] = {}


@contextmanager
def stop_signals() -> Iterator[None]:
    """Note the signals instead of dying of them; the handlers that were there come back at the end.

    Outside of the main thread, where Python knows no handlers, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _received.clear()
    for number in (signal.SIGTERM, signal.SIGUSR2):
        _previous[number] = signal.signal(number, lambda n, frame: _received.append((n, frame)))
    try:
        yield
    finally:
        for previous, handler in _previous.items():
            signal.signal(previous, handler)
        _received.clear()


def stop_requested() -> bool:
    return bool(_received)


def stop(where: str) -> None:
    """Leave the run, its checkpoint written: by the scheduler's handler (submitit requeues), or `Preempted`.

    Returns if that handler lets SIGTERM pass, as submitit's does: SLURM kills the job in its own time, and
    requeues a preempted one only if it has not ended by itself.
    """
    number, frame = _received[0] if _received else (signal.SIGTERM, None)  # another process received it
    handler = _previous.get(number)
    if callable(handler):
        handler(number, frame)
        if number == signal.SIGTERM:
            _received.clear()
            return
    raise Preempted(f"stopped by {signal.Signals(number).name} {where}; the same command resumes")
