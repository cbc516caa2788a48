"""Worker processes of a run: they leave an interrupt to the main process, and end when it ends, however that is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from typing import Any

__all__ = ["pool_of"]


def pool_of(count: int, begin: Callable[..., None], given: Sequence[Any]) -> ProcessPoolExecutor:
    """Return a pool of processes.

    Args:
        count: How many.
        begin: What each calls first; it stands at the top of a module.
        given: What `begin` is given.
    """
    return ProcessPoolExecutor(count, get_context("spawn"), _start, (begin, *given))


def _start(begin: Callable[..., None], *given: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    begin(*given)


def _end_with_parent() -> None:
    """End with the process that started this one: an executor's workers would wait for ever if that is killed."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
