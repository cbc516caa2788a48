"""Stores to test on: SQLite in a folder, and databases on a real PostgreSQL server that is started here."""

import atexit
import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from fieldshift.web.desk import Desk
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened, up_to_date

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-word/with:signs@in-it"
"""The password of the server's user; it must appear in no log."""
QUOTED = "a-word%2Fwith%3Asigns%40in-it"

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
"""For a fixture that gives a store: on both databases, on PostgreSQL where that is wanted."""


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server that listens at a socket in a folder of its own, to nobody else."""

    folder: Path
    process: subprocess.Popen

    def url(self, database: str) -> str:
        return f"postgresql://desk:{QUOTED}@/{database}?host={self.folder}&port=5432"

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)  # at once, whoever is connected
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _as_nobody() -> tuple[Sequence[str], int | None]:
    """How to run programs that refuse to be root's, and as whom."""
    if os.getuid() != 0:
        return (), None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            line = ("setpriv", f"--reuid={found.pw_uid}", f"--regid={found.pw_gid}", "--clear-groups")
            return (*line, "--pdeathsig", "QUIT"), found.pw_uid
    raise AssertionError("PostgreSQL refuses to run as root, and there is no other user")


@cache
def server() -> Server:
    """A running server, one for the whole test process."""
    found = subprocess.run([ROOT / "tools" / "postgres.sh", "--find-only"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    programs = Path(found.stdout.strip())
    folder = Path(tempfile.mkdtemp(prefix="fieldshift-pg-"))
    word = folder / "word"
    word.write_text(PASSWORD)
    line, user = _as_nobody()
    if user is not None:
        for path in (folder, word):
            os.chown(path, user, -1)
    data = folder / "data"
    how = ["-U", "desk", "-A", "scram-sha-256", f"--pwfile={word}", "-E", "UTF8", "--locale=C", "--no-sync"]
    subprocess.run([*line, programs / "initdb", "-D", data, *how], check=True, capture_output=True, cwd=folder)
    options = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60", "-k", folder, "-p", "5432"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [*line, programs / "postgres", "-D", data, *options], stdout=log, stderr=log, cwd=folder
        )
    made = Server(folder, process)
    atexit.register(made.stop)
    ready = create_engine(Settings(folder, made.url("postgres")).url)
    for _ in range(1200):
        with contextlib.suppress(Exception), ready.connect():
            break
        assert process.poll() is None, (folder / "log").read_text()
        time.sleep(0.05)
    else:
        raise AssertionError((folder / "log").read_text())
    ready.dispose()
    return made


@contextlib.contextmanager
def database() -> Iterator[str]:
    """The address of an empty database on the server."""
    name = f"desk_{secrets.token_hex(4)}"
    admin = create_engine(Settings(Path(), server().url("postgres")).url, isolation_level="AUTOCOMMIT")
    with admin.connect() as there:
        there.execute(text(f"create database {name}"))
    try:
        yield server().url(name)
    finally:
        with admin.connect() as there:
            there.execute(text(f"drop database {name} with (force)"))
        admin.dispose()


@contextlib.contextmanager
def settings_on(kind: str, folder: Path, **more) -> Iterator[Settings]:
    """The settings of a desk whose database is empty."""
    folder.mkdir(exist_ok=True)
    if kind == "sqlite":
        yield Settings(store=folder, database="", **more)
        return
    with database() as url:
        yield Settings(store=folder, database=url, **more)


@contextlib.contextmanager
def desk_on(kind: str, folder: Path, **more) -> Iterator[Desk]:
    """A desk with its tables, and nothing in them."""
    with settings_on(kind, folder, **more) as settings:
        db = opened(settings.url)
        up_to_date(db)
        settings.runs.mkdir(exist_ok=True)
        try:
            yield Desk(settings, db)
        finally:
            db.dispose()
