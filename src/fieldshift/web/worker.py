"""A worker: a process that takes runs from the job table, one at a time, and does them.

The run goes on in a thread of its own. The main thread says every second that the worker lives and how far it is, hears
of a run that is cancelled, of a signal to leave, and of the death of whoever started it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

import fieldshift as fs
from fieldshift.web import jobs, work
from fieldshift.web.desk import Desk
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened

__all__ = ["BEAT", "PATIENCE", "Worker", "main", "named"]

log = logging.getLogger("fieldshift.web.worker")

BEAT = 1.0
"""Seconds between two signs of life."""

IDLE = 0.5
"""Seconds between two looks for a run that waits."""

PATIENCE = 3.0
"""Seconds that a run may take to stop; then the process ends, and another one is started."""


def named(pid: int, word: str) -> str:
    """Return the name of a worker: its machine, its process, and a word of its own."""
    return f"{socket.gethostname()[:60]}:{pid}:{word}"


class Worker:
    """A worker.

    Args:
        desk: The desk.
        name: Its name in the job table.
        parent: The process that started it, without which it leaves; None to go on alone.
        threads: Threads or processes for one run.
    """

    def __init__(self, desk: Desk, name: str, parent: int | None = None, threads: int | None = None) -> None:
        self._desk, self._name, self._parent, self._threads = desk, name, parent, threads
        self.leaving = threading.Event()

    def serve(self, once: bool = False) -> None:
        """Do runs until told to leave.

        Args:
            once: Leave when no run waits.
        """
        self._sweep()
        while not self._is_over():
            try:
                claim = jobs.claimed(self._desk, self._name)
            except SQLAlchemyError as error:
                _unheard(error)
                self.leaving.wait(10 * IDLE)
                continue
            if claim is not None:
                self._do(claim)
                self._sweep()
            elif once:
                return
            else:
                self.leaving.wait(IDLE)

    def _is_over(self) -> bool:
        return self.leaving.is_set() or (self._parent is not None and os.getppid() != self._parent)

    def _do(self, claim: jobs.Claim) -> None:
        """Do one run: it goes on in a thread while this one watches."""
        telling = work.Telling()
        thread = threading.Thread(target=self._done, args=(claim, telling), daemon=True)
        thread.start()
        asked_at: float | None = None
        last = 0.0
        while thread.is_alive():
            now = time.monotonic()
            if now - last >= BEAT:
                last = now
                if not self._goes_on(claim, telling) and thread.is_alive():
                    telling.stop.set()
            if self._is_over():
                telling.stop.set()
            if telling.stop.is_set():
                asked_at = asked_at or now
                if now - asked_at > PATIENCE:
                    self._left()
                    _end()
            thread.join(0.1)
        if telling.stop.is_set():
            self._left()

    def _goes_on(self, claim: jobs.Claim, telling: work.Telling) -> bool:
        """Give a sign of life, and return whether the run goes on: also where the database does not answer for now."""
        try:
            return jobs.beaten(self._desk, claim, telling.how_far()) == "go on"
        except SQLAlchemyError as error:
            _unheard(error)
            return True

    def _done(self, claim: jobs.Claim, telling: work.Telling) -> None:
        with contextlib.suppress(work.Stopped):
            work.done_by(self._desk, claim, telling, self._threads)

    def _sweep(self) -> None:
        with contextlib.suppress(SQLAlchemyError):
            work.swept(self._desk)

    def _left(self) -> None:
        """Say that a run stopped: it is cancelled, or waits again for another worker."""
        try:
            jobs.returned(self._desk, self._name, counts=False)
        except SQLAlchemyError as error:  # then it is taken again when nobody has heard of this worker for a while
            _unheard(error)


def _unheard(error: SQLAlchemyError) -> None:
    log.warning("the database does not answer (%s)", type(error).__name__)


def _end() -> None:
    """End the process at once, with the processes that a run started."""
    for child in multiprocessing.active_children():
        child.kill()
    logging.shutdown()
    os._exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a worker: `python -m fieldshift.web.worker --store DIR`.

    The database is that of `FIELDSHIFT_DATABASE_URL`, or the one in the store: its address may hold a password, which
    must not stand among arguments that every user of the machine can read.
    """
    asked = argparse.ArgumentParser(prog="fieldshift.web.worker", description="Do the runs of a desk.")
    asked.add_argument("--store", type=Path, required=True, help="The folder of the desk.")
    asked.add_argument("--parent", type=int, help="The process that starts workers; without it this one leaves.")
    asked.add_argument("--name", default="", help="A word of its own in the worker's name.")
    asked.add_argument("--threads", type=int, help="Threads or processes of one run.")
    asked.add_argument("--once", action="store_true", help="Leave when no run waits.")
    given = asked.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s worker %(message)s")
    with contextlib.suppress(OSError):
        os.nice(5)
    settings = Settings(store=given.store)
    desk = Desk(settings, opened(settings.url))
    worker = Worker(desk, named(os.getpid(), given.name or secrets.token_hex(3)), given.parent, given.threads)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.leaving.set())
    fs.warm_up()
    worker.serve(given.once)
    return 0


if __name__ == "__main__":
    sys.exit(main())
