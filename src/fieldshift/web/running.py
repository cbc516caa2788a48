"""A running desk: its socket, its server, its workers, its links, its log."""

from __future__ import annotations

import ipaddress
import json
import logging
import os
import re
import shlex
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

import fieldshift as fs
from fieldshift.web import accounts
from fieldshift.web.app import create_app
from fieldshift.web.assets import address_of
from fieldshift.web.desk import Desk
from fieldshift.web.pages import environment
from fieldshift.web.settings import Settings, default_store
from fieldshift.web.store.database import opened, up_to_date
from fieldshift.web.supervisor import Supervisor

__all__ = ["new_link", "run"]

_HERE = "serving.json"
"""Where a running desk says its address, in its store: for `fieldshift serve --link`."""
_UNOPENED = (SQLAlchemyError, ImportError, ValueError)
_NO_ADDRESS = "FIELDSHIFT_DATABASE_URL is not an address such as postgresql://name:password@host/database"
_GRACE = 5
"""Seconds that requests are given to end when the server is stopped."""


class _Terminated(Exception):
    """SIGTERM came."""


def run(settings: Settings, host: str, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve a desk until it is stopped; see `fs.serve`."""
    checked(settings, host)
    with _private(), _logged(settings), _listening(host, port) as listener:
        app = _app(settings)
        at = _address(settings, host, listener.getsockname()[1])
        server = _Server(app, lambda: _told(app, at, browser, say))
        if not _own(host) and not settings.header and not at.startswith("https://"):
            say("Passwords travel in the open: put a proxy with https in front, and name it with --address.")
        with _stoppable(), _announced(settings, at), _working(settings):
            server.run(sockets=[listener])


def checked(settings: Settings, host: str) -> None:
    """Refuse settings that do not fit together.

    Raises:
        UsageError: They do not.
    """
    if not settings.team and not _own(host):
        raise fs.UsageError(f"a desk without accounts listens at this computer only, not at {host}: add --team")
    if settings.header and not settings.proxies:
        raise fs.UsageError("--sso-header needs --proxy: the address from which the header is believed")
    for proxy in settings.proxies:
        try:
            ipaddress.ip_address(proxy)
        except ValueError:
            raise fs.UsageError(f"--proxy takes an IP address, not '{proxy}'") from None
    if settings.header and not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", settings.header):
        raise fs.UsageError(f"'{settings.header}' is not the name of a header")
    if settings.address:
        parts = urlsplit(settings.address)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise fs.UsageError(f"--address is such as https://desk.example.org, not '{settings.address}'")


def _own(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Bind before anything else is done, so that a taken port is told in words."""
    try:
        family, _, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise fs.UsageError(f"cannot listen at {host}: {error.strerror}") from None
    with listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(where)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise fs.UsageError(f"cannot listen at {host}, port {port}: {why}. Name another with --port") from None
        yield listener


@contextmanager
def _private() -> Iterator[None]:
    """Make files that nobody else on this computer reads, wherever the store is; workers inherit it."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def _room(settings: Settings) -> None:
    """Make the store where it is missing: nobody else on this computer reads what the desk keeps."""
    if not settings.store.exists():
        settings.store.mkdir(parents=True, mode=0o700)


def _app(settings: Settings) -> FastAPI:
    _room(settings)
    address_of("desk.css")  # packs all files that pages load, before anybody waits for them
    try:
        return create_app(settings)
    except _UNOPENED as error:
        raise fs.UsageError(_unopened(settings, error)) from None


def _unopened(settings: Settings, error: Exception) -> str:
    """Return why a database did not open; its address may hold a password, which is not told."""
    try:
        url = make_url(settings.url)
    except (SQLAlchemyError, ValueError):
        return _NO_ADDRESS
    if url.get_backend_name() not in ("sqlite", "postgresql") or isinstance(error, ImportError):
        return _NO_ADDRESS
    if settings.url.split("?")[0].count("@") > 1:  # a part of the password was taken for the host: it is not shown
        return f"{_NO_ADDRESS}; in a password, @ / : and % are written as %40 %2F %3A %25"
    why = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    hidden = why.replace(str(url.password), "***") if url.password else why
    return f"the database {url.render_as_string(hide_password=True)} did not open: {hidden}"


def _address(settings: Settings, host: str, port: int) -> str:
    if settings.address:
        return settings.address.rstrip("/")
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


# ------------------------------------------------------------------------------------------ links


def new_link(settings: Settings, port: int) -> str:
    """Return a new one-time link; see `fs.new_link`."""
    _room(settings)
    try:
        settings = _as_it_runs(settings)
        with _private():
            db = opened(settings.url)
            up_to_date(db)
    except _UNOPENED as error:
        raise fs.UsageError(_unopened(settings, error)) from None
    try:
        at = _said(settings).get("address") or _address(settings, "127.0.0.1", port)
        link = _link(Desk(settings, db), str(at), asked=True)
    finally:
        db.dispose()
    if link is None:
        raise fs.UsageError("this desk has an admin, who invites others on the page /people")
    return link


def _as_it_runs(settings: Settings) -> Settings:
    """Return settings as those of the desk that runs from this store, if one does: a link for another is of no use.

    Raises:
        UsageError: Its rows are in another database than the one that is named here.
    """
    said = _said(settings)
    if said and said.get("database") != make_url(settings.url).get_backend_name():
        raise fs.UsageError(
            f"the desk that runs from this store keeps its rows in {said.get('database')}: set FIELDSHIFT_DATABASE_URL "
            "as it is set there"
        )
    return replace(settings, team=bool(said["team"]), header=said["header"]) if said else settings


def _link(desk: Desk, at: str, asked: bool = False) -> str | None:
    """Return the link that lets in whoever may begin: the local visitor, or the first admin where there is none.

    Args:
        desk: The desk.
        at: Its address.
        asked: Whether somebody on this computer asked for it. Where a proxy names visitors nobody is invited, and the
            admins there are may be people whom it does not name: then it makes an admin all the same.
    """
    if desk.settings.team:
        if not accounts.first_needed(desk) and not (asked and desk.settings.header):
            return None
        if not desk.settings.header:
            return f"{at}/join/{accounts.invited(desk, 'first', 'admin')}"
    return f"{at}/enter/{accounts.invited(desk, 'link', 'admin')}"


def _told(app: FastAPI, at: str, browser: bool, say: Callable[[str], None]) -> None:
    """Say where the desk is, once it can be reached."""
    desk: Desk = app.state.desk
    link = _link(desk, at)
    if link is None:
        say(f"The desk is at {at}")
    elif desk.settings.team:
        say(f"The desk is at {at}\nIt has no admin yet. Whoever opens this link becomes one:\n\n    {link}\n")
    else:
        say(f"Open this link to come in:\n\n    {link}\n")
    if link:
        store = "" if desk.settings.store == default_store() else f" --store {shlex.quote(str(desk.settings.store))}"
        lasts = "for an hour" if "/join/" in link else "for some minutes"
        say(f"The link is good once, {lasts}. Another, while the desk runs: fieldshift serve{store} --link")
    say(f"Everything is kept in {desk.settings.store}. Stop with Ctrl-C.")
    if browser:
        _open(desk.settings, link or at)


def _warmed() -> None:
    """Compile the templates and load what results are read with, so that the first visitor does not wait for it."""
    templates = environment()
    for name in templates.list_templates():
        templates.get_template(name)
    for name in ("read", "problems", "picked", "comparison", "export_workbook"):
        getattr(fs, name)  # a public name is imported when it is first asked for


def _open(settings: Settings, link: str) -> None:
    """Open a browser by way of a file that only this user reads: others may see the words of a command."""
    file = settings.store / "open.html"
    _written(file, f'<!DOCTYPE html><meta http-equiv="refresh" content="0; url={link}"><title>Fieldshift</title>')
    threading.Thread(target=webbrowser.open, args=[file.resolve().as_uri()], daemon=True).start()


@contextmanager
def _announced(settings: Settings, at: str) -> Iterator[None]:
    """Say the desk's address in its store while it runs."""
    file = settings.store / _HERE
    told = {"team": settings.team, "header": settings.header, "database": make_url(settings.url).get_backend_name()}
    _written(file, json.dumps({"address": at, "process": os.getpid(), **told}))
    try:
        yield
    finally:
        (settings.store / "open.html").unlink(missing_ok=True)
        if _said(settings).get("process") == os.getpid():  # not that of another server on the same store
            file.unlink(missing_ok=True)


def _written(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(FileNotFoundError):
        new.unlink()
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    new.replace(file)


def _said(settings: Settings) -> dict[str, Any]:
    """Return what a running desk says of itself in its store; nothing where none runs."""
    try:
        said = json.loads((settings.store / _HERE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    known = isinstance(said, dict) and {"address", "process", "team", "header", "database"} <= set(said)
    return said if known else {}


# ----------------------------------------------------------------------------------------- server


class _Server(uvicorn.Server):
    """A quiet server that says when it can be reached."""

    def __init__(self, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                access_log=False,  # it would show the words of links
                log_config=None,
                log_level="critical",
                proxy_headers=False,  # the guard alone decides what a proxy may say
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=_GRACE,
            )
        )
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()
        threading.Thread(target=_warmed).start()  # no daemon: what it imports would be torn down under it


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let SIGTERM end the desk as a whole: without this, it would end before its workers are stopped."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(_: int, __: FrameType | None) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, leave)
    try:
        with suppress(_Terminated):
            yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _working(settings: Settings) -> Iterator[None]:
    """Let worker processes run jobs beside the server, and end with it."""
    workers = Supervisor(settings)
    workers.start()
    try:
        yield
    finally:
        workers.stop()


class _Discreet(logging.Formatter):
    """A log without secrets: no word of a link, no password of the database."""

    _secret: str | None = None

    def __init__(self, settings: Settings) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        with suppress(SQLAlchemyError, ValueError):
            self._secret = make_url(settings.url).password

    def format(self, record: logging.LogRecord) -> str:
        """Return a record's line, and its traceback."""
        text = re.sub(r"(/(?:enter|join)/)[\w-]+", r"\1…", super().format(record))
        return text.replace(str(self._secret), "***") if self._secret else text


@contextmanager
def _logged(settings: Settings) -> Iterator[None]:
    """Write the log to stderr while a desk runs."""
    handler, log = logging.StreamHandler(sys.stderr), logging.getLogger("fieldshift.web")
    handler.setFormatter(_Discreet(settings))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
