"""A service that runs for months does not grow: freed memory goes back to the system, and rubbish does not pile up.

By default malloc(3) of glibc takes larger and larger blocks from the heap, once one of their size was freed, and gives
each thread a heap of its own; a small block that stays above them keeps what is below from going back (mallopt(3)).

Python's collector looks at everything only when as much as a quarter of what is there has come newly (CPython's
"Garbage collector design"): with all the modules that is some 12,000 objects in cycles, and memory lies in pieces
after them.
"""

from __future__ import annotations

import ctypes
import gc

LARGE = 64 << 10
"""Bytes from which a block is mapped by itself, and goes back whole when it is freed."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def give_back() -> bool:
    """Have malloc do so from here on, before there are threads; False where the C library is another one."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    wanted = ((_M_MMAP_THRESHOLD, LARGE), (_M_TRIM_THRESHOLD, 2 * LARGE), (_M_ARENA_MAX, 1))
    taken = [mallopt(what, value) for what, value in wanted]
    return all(taken)


def settle() -> None:
    """Take what is there for what stays: the collector looks at what comes after it, and that is little, and often."""
    gc.collect()
    gc.freeze()
    gc.collect()  # it counts what a quarter is of at the end of a full look, and only then
