"""When Python looks for garbage."""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Look for no garbage in the block: imports and compositions make very many objects, and all stay.

    Importing a run's packages takes a third less time so.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def no_collection_at_exit() -> None:
    """Let the process end without a last look at all that it has imported, which takes seconds."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
