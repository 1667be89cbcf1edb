"""Memory that a step of training frees is kept for the next one: else the system clears it anew each time."""

import ctypes
import platform
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""How malloc.h numbers them."""
GIBIBYTE = 1 << 30


@cache
def keep_freed_memory() -> bool:
    """Whether the C library can be told so; once for the process.

    glibc hands blocks of 32 MiB and more back to the system as soon as they are freed, and the next step pays
    for each page of its activations again: a seventh of a small network's step in bf16 on a CPU. Blocks of a
    gibibyte, and what is free beyond one at the heap's end, are still handed back.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(MMAP_THRESHOLD, GIBIBYTE) and libc.mallopt(TRIM_THRESHOLD, GIBIBYTE))
