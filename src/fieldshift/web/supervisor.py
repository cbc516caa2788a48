"""Worker processes beside a server: started, started again where one dies, and stopped with it."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from fieldshift.web import jobs
from fieldshift.web.desk import Desk
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened
from fieldshift.web.worker import PATIENCE, named

__all__ = ["Supervisor"]

log = logging.getLogger("fieldshift.web.supervisor")

LOOK = 0.25
"""Seconds between two looks at the processes."""

REST = (0.5, 20.0)
"""Seconds before a worker that died is started again: at first, and at most, where it dies again and again."""


@dataclass
class _Post:
    """The place of one worker: the process that fills it, and when the next one may."""

    process: subprocess.Popen[bytes] | None = None
    name: str = ""
    began: float = 0.0
    rest: float = REST[0]
    not_before: float = 0.0


class Supervisor:
    """Keeps `settings.workers` worker processes going; what a worker held that died is put back into the queue at once.

    Args:
        settings: Those of the server.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._posts = [_Post() for _ in range(settings.workers)]
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._desk = Desk(settings, opened(settings.url))

    def start(self) -> None:
        """Start the workers, and whatever starts them again."""
        if self._thread is None:
            self._stopping.clear()
            for post in self._posts:
                self._fill(post)
            self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop the workers: each puts its run back into the queue and leaves; one that does not is ended."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        there = [post for post in self._posts if post.process is not None]
        for post in there:
            assert post.process is not None
            with contextlib.suppress(ProcessLookupError):
                post.process.terminate()
        deadline = time.monotonic() + PATIENCE + 2.0
        for post in there:
            assert post.process is not None
            with contextlib.suppress(subprocess.TimeoutExpired):
                post.process.wait(max(0.1, deadline - time.monotonic()))
            self._gone(post, counts=False)
        self._desk.db.dispose()

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that there are."""
        found = (post.process for post in self._posts)
        return tuple(process.pid for process in found if process is not None and process.poll() is None)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK):
            for post in self._posts:
                if post.process is not None and post.process.poll() is not None:
                    self._died(post)
                if post.process is None and time.monotonic() >= post.not_before:
                    self._fill(post)

    def _fill(self, post: _Post) -> None:
        word = secrets.token_hex(3)
        threads = max(1, (os.cpu_count() or 1) // max(1, len(self._posts)))
        line = [sys.executable, "-m", "fieldshift.web.worker", "--store", str(self._settings.store.resolve())]
        line += ["--parent", str(os.getpid()), "--name", word, "--threads", str(threads)]
        # The address of the database may hold a password: other users can read arguments, but not this.
        surroundings = os.environ | {"FIELDSHIFT_DATABASE_URL": self._settings.url}
        post.process = subprocess.Popen(
            line, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
        post.name, post.began = named(post.process.pid, word), time.monotonic()

    def _died(self, post: _Post) -> None:
        """Note that a worker ended by itself, and when the next one is started."""
        assert post.process is not None
        code = post.process.returncode
        if code != 0:
            log.warning("a worker ended (code %s); another one is started", code)
        lasted = time.monotonic() - post.began
        post.rest = REST[0] if lasted > REST[1] or code == 0 else min(REST[1], 2 * post.rest)
        post.not_before = time.monotonic() + post.rest
        self._gone(post, counts=code != 0)

    def _gone(self, post: _Post, counts: bool) -> None:
        """End what a worker left behind, and put its run back into the queue."""
        assert post.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(post.process.pid, signal.SIGKILL)  # the processes that its run started, and itself
        post.process.wait()
        post.process = None
        try:
            jobs.returned(self._desk, post.name, counts)
        except SQLAlchemyError as error:
            log.warning(
                "the database does not answer (%s): a worker's run waits to be taken again", type(error).__name__
            )
