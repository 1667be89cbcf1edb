"""The two ways a command may end badly, each told in one line.

`InputError`: the command, a configuration or a file is wrong and its author can mend it; nothing was
started. Exit code 2. The message names the key, what is wrong and what would be right.

`RunError`: a run that had begun could not go on (loss not finite, disk full). Exit code 1.
"""

import errno
from collections.abc import Iterable
from difflib import get_close_matches

FULL = (errno.ENOSPC, errno.EDQUOT)
"""A disk takes no more: it is full, or what this user may have of it is."""


class UnlearnError(Exception):
    """An error meant for the person at the keyboard: printed as one line, no traceback."""

    exit_code = 1


class InputError(UnlearnError):
    """Wrong input, found before anything was written."""

    exit_code = 2


class RunError(UnlearnError):
    """A run that failed after it had begun."""


class Diverged(RunError):
    """A loss that is not a finite number."""


class Preempted(UnlearnError):
    """SIGTERM or SIGUSR2 arrived: a checkpoint has been written, the same command resumes."""

    exit_code = 143


def failed_system_call(error: OSError) -> RunError:
    """A full disk, a folder that is closed to us, …"""
    place = f"{error.filename}: " if error.filename else ""
    mended = "once there is room" if error.errno in FULL else "once that is mended"
    return RunError(f"{place}{error.strerror}; {mended}, the same command goes on")


def did_you_mean(wrong: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """`did you mean 'x'?` with the closest of the known names; else `otherwise`, or all there are, if any."""
    names = sorted(known)
    small = {name.lower(): name for name in names}
    if close := get_close_matches(wrong.lower(), small, n=1, cutoff=0.5):
        return f"did you mean '{small[close[0]]}'?"
    return otherwise or (f"there are: {', '.join(names)}" if names else "there is none")


def in_a_line(error: BaseException) -> str:
    """What another library's error says, in 240 characters at most; its type where it says nothing."""
    return " ".join(str(error).split())[:240] or type(error).__name__
