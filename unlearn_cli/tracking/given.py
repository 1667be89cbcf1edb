"""What W&B's own variables ask for, and which of it is for the command's own run alone.

A key on the command line goes before a variable, a variable before the default. `wandb agent` waits for one
run and names it by WANDB_RUN_ID and WANDB_SWEEP_ID: that is the command's own. What is made for the store on
its way (original, oracle, judge) are runs outside of the sweep, each with an id of its own.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import wandb

PROJECT = "unlearn"
OF_ONE_RUN = ("sweep_id", "run_id", "sweep_param_path")
"""W&B's settings that are for one run alone."""
RUN_ID = "WANDB_RUN_ID"
GROUP = "WANDB_RUN_GROUP"


@contextmanager
def given(own: bool) -> "Iterator[wandb.Settings]":
    """What the environment and W&B's files say, for a run that begins within the block."""
    import wandb

    settings = wandb.setup().settings
    kept = {name: getattr(settings, name) for name in OF_ONE_RUN}
    if not own:
        for name in OF_ONE_RUN:
            setattr(settings, name, None)
    try:
        yield settings
    finally:
        for name, value in kept.items():
            setattr(settings, name, value)


def for_several_runs() -> str | None:
    """Take an id of one run out of the environment of several; the id, if there was one."""
    return os.environ.pop(RUN_ID, None)
