"""status.json: how far a run has come, as its own process noted it."""

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unlearn_cli.runtime.process import slurm_job
from unlearn_cli.storage.files import Damaged
from unlearn_cli.storage.sealed import read_sealed, write_sealed

STATUS = "status.json"
STATES = ("running", "finished", "failed", "preempted")
KINDS: dict[str, Any] = {
    "reason": str | None,
    "host": str,
    "pid": int,
    "job": str | None,
    "time": int | float,
    "seconds": int | float,
    "files": dict,
}
"""Of the values beside the state."""


def read_status(folder: Path) -> dict[str, Any]:
    """The record; its state is `absent` where there is none, `damaged` (with the reason) where it is none."""
    try:
        found = read_sealed(folder / STATUS)
        if found.get("state") not in STATES:
            raise Damaged("it tells no state of a run")
        if wrong := [key for key, kind in KINDS.items() if key in found and not isinstance(found[key], kind)]:
            raise Damaged(f"its '{wrong[0]}' is none")
    except FileNotFoundError:
        return {"state": "absent"}
    except Damaged as error:
        return {"state": "damaged", "reason": f"{STATUS}: {error}"}
    return found


def write_status(folder: Path, state: str, reason: str | None, more: Mapping[str, Any]) -> None:
    """Note the state, and whose it is."""
    here = {"host": platform.node(), "pid": os.getpid(), "job": slurm_job(), "time": time.time()}
    write_sealed(folder / STATUS, {"state": state, "reason": reason, **here, **more})
