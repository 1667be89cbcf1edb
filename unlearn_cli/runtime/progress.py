"""A progress bar on a terminal and in a notebook; now and then a log line where there is none."""

import logging
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from types import TracebackType
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from unlearn_cli.runtime.text import duration_text

log = logging.getLogger("unlearn")
console = Console(stderr=True)
HAS_BAR = console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)

Item = TypeVar("Item")
LINE_SECONDS = (5, 60)  # from the start of a stage to its first line, and from line to line


class Progress:
    """Counts `total` steps of a stage, from step `done` on. Silent where `enabled` is false."""

    def __init__(self, stage: str, total: int, done: int = 0, enabled: bool = True):
        self.stage, self.total, self.done, self.enabled = stage, total, done, enabled
        self.found, self.began = done, time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = RichProgress(*columns, console=console, transient=True, disable=not (enabled and HAS_BAR))
        self.task = self.bar.add_task(stage, total=total, completed=done)
        self.line_due = self.began + LINE_SECONDS[0]

    def __enter__(self) -> "Progress":
        if self.enabled and self.done:
            log.info("%s: resumed at step %d of %d", self.stage, self.done, self.total)
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def advance(self, epoch: int | None = None) -> None:
        """One step done, in the given epoch (0-based) where there are epochs."""
        at = "" if epoch is None else f"epoch {epoch + 1}"
        self.done += 1
        self.bar.update(self.task, completed=self.done, description=f"{self.stage} {at}".strip())
        now = time.monotonic()
        if self.enabled and (now >= self.line_due or self.done == self.total):
            self.line_due = now + LINE_SECONDS[1]
            # `unlearn status` shows the last line of log.txt; where there is a bar, that is enough
            level = logging.DEBUG if HAS_BAR else logging.INFO
            to_go = _to_go(now - self.began, self.done - self.found, self.total - self.done)
            epoch_text = f" ({at})" if at else ""
            log.log(level, "%s: step %d of %d%s%s", self.stage, self.done, self.total, epoch_text, to_go)


class Remaining:
    """What is still to be made of so many alike: now and then a log line tells the time to go."""

    def __init__(self, stage: str, missing: int, total: int, enabled: bool = True):
        self.stage, self.missing, self.total, self.enabled = stage, missing, total, enabled
        self.began = time.monotonic()
        self.line_due = self.began + LINE_SECONDS[0]

    @property
    def due(self) -> bool:
        """Whether it is time for a line."""
        return self.enabled and time.monotonic() >= self.line_due

    def left(self, left: int) -> None:
        """So many are still to be made."""
        done, now = self.missing - left, time.monotonic()
        if done and (self.due or (self.enabled and not left)):
            self.line_due = now + LINE_SECONDS[1]
            to_go = _to_go(now - self.began, done, left)
            log.info("%s: %d of %d%s", self.stage, self.total - left, self.total, to_go)


def _to_go(seconds: float, done: int, left: int) -> str:
    """`, 5 min to go`, as the `done` of these seconds tell it; nothing once none are left."""
    return f", {duration_text(seconds / done * left)} to go" if left else ""


def remaining(stage: str, items: Sequence[Item], total: int, enabled: bool = True) -> Iterator[Item]:
    """The items one after another, each made by the caller before it asks for the next."""
    progress = Remaining(stage, len(items), total, enabled)
    for number, item in enumerate(items, 1):
        yield item
        progress.left(len(items) - number)
