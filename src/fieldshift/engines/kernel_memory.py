"""Memory for records, used again: fresh pages from the system cost as much as simulating on them.

A batch leases one piece of memory for all of its records. Once nobody holds any view of it, it goes back to a small
pool, whatever thread that happens in. What policies share on the same futures is kept for a while too.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import RLock
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["lease", "remembered"]

Bytes = npt.NDArray[np.uint8]
Layout = tuple[tuple[int, ...], "np.dtype[Any]"]

_LINE = 64
_KEPT_BYTES = 256 << 20
_KEPT: list[Bytes] = []
_SHARED_BYTES = 32 << 20
_SHARED: OrderedDict[Hashable, npt.NDArray[Any]] = OrderedDict()
_LOCK = RLock()  # a finaliser may run in the middle of anything


class _Lease:
    """Holds a piece of memory for the arrays made of it: each of them refers to it, directly or through others."""

    def __init__(self, memory: Bytes) -> None:
        self.__array_interface__ = memory.__array_interface__
        weakref.finalize(self, _give_back, memory).atexit = False


def _give_back(memory: Bytes) -> None:
    with _LOCK:
        _KEPT.append(memory)
        while sum(m.nbytes for m in _KEPT) > _KEPT_BYTES:
            del _KEPT[0]


def _found(size: int) -> Bytes:
    """Return memory of at least that size, all zero: of the pool, where some fits, else fresh."""
    with _LOCK:
        fitting = [m for m in _KEPT if size <= m.nbytes <= 2 * size]
        memory = min(fitting, key=lambda m: m.nbytes) if fitting else None
        _KEPT[:] = [m for m in _KEPT if m is not memory]
    if memory is None:
        return np.zeros(size, np.uint8)
    memory[:size] = 0
    return memory


def lease(layouts: Sequence[Layout]) -> list[npt.NDArray[Any]]:
    """Return arrays of zeros of some shapes and kinds, all in one piece of memory."""
    sizes = [int(np.prod(shape)) * kind.itemsize for shape, kind in layouts]
    places = np.concatenate([[0], np.cumsum([-(-size // _LINE) * _LINE for size in sizes])])
    memory = np.asarray(_Lease(_found(max(int(places[-1]), _LINE))))
    return [
        memory[place : place + size].view(kind).reshape(shape)
        for (shape, kind), place, size in zip(layouts, places[:-1].tolist(), sizes, strict=True)
    ]


def remembered(key: Hashable, make: Callable[[], npt.NDArray[Any]]) -> npt.NDArray[Any]:
    """Return an array that several batches share, such as the luck of policies on the same futures; not to be written.

    Args:
        key: What the array follows from, all of it.
        make: Makes the array, where it is not among the last ones asked for.
    """
    with _LOCK:
        found = _SHARED.get(key)
        if found is not None:
            _SHARED.move_to_end(key)
            return found
    made = make()
    made.flags.writeable = False
    with _LOCK:
        _SHARED[key] = made
        while len(_SHARED) > 1 and sum(array.nbytes for array in _SHARED.values()) > _SHARED_BYTES:
            _SHARED.popitem(last=False)
    return made
