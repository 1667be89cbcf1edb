"""Memory that was freed is there for the next step."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, resource
from unlearn_cli.runtime.heap import keep_freed_memory
assert keep_freed_memory()
libc, size = ctypes.CDLL(None), 100 << 20
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = libc.malloc(size)
    ctypes.memset(block, 1, size)
    libc.free(block)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(step(), step())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_a_second_block_costs_no_new_pages():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert first > 40  # pages may be huge
    assert second < first / 10
