"""What became of a part: it runs in a process of its own, which is killed at its limit.

So it gives its memory back to the next part, and takes no other part with it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from scripts.gpu.child import LEFT_OUT
from scripts.gpu.part import Row, Wanted

MESSAGE = 300
"""Letters of what a part died of."""


class Told(BaseModel):
    """A part and its numbers."""

    part: str
    state: Literal["done", "failed", "stopped", "left out"]
    seconds: float
    limit: float
    rows: list[Row]
    said: str = ""
    """Why it is not done."""


def measured(name: str, limit: float, wanted: Wanted, folder: Path) -> Told:
    """The part, in so many seconds at most; what it prints stays in the folder."""
    rows, log = folder / f"{name}.jsonl", folder / f"{name}.log"
    begun = time.perf_counter()
    code = within(
        limit, [sys.executable, "-m", "scripts.gpu.child", name, str(rows), wanted.model_dump_json()], log
    )
    seconds = time.perf_counter() - begun
    lines = rows.read_text(encoding="utf-8").splitlines() if rows.exists() else []
    last = (log.read_text(encoding="utf-8", errors="replace").split("\n")[:-1] or [""])[-1][:MESSAGE]
    found = {"part": name, "seconds": round(seconds, 1), "limit": limit}
    found["rows"] = [Row.model_validate_json(line) for line in lines]
    if code is None:
        return Told(**found, state="stopped", said=f"at its limit of {limit:.0f} s")
    if code == 0:
        return Told(**found, state="done")
    return Told(**found, state="left out" if code == LEFT_OUT else "failed", said=last or f"exit code {code}")


def within(limit: float, command: Sequence[str], log: Path) -> int | None:
    """The command's exit code; None: it took longer, and was killed with all that it had started."""
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            return process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
