"""The guard before every page: which host was meant, who asks, where a change comes from, how much is sent."""

from __future__ import annotations

import ipaddress
import logging
import re
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import fieldshift as fs
from fieldshift.web import accounts
from fieldshift.web.desk import Desk
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings
from fieldshift.web.telling import as_data, told

__all__ = ["POLICY", "GuardedApp", "caller", "cookie_name", "origin_of", "plain_path", "secure"]

log = logging.getLogger("fieldshift.web")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""What a page may load: files of this desk, nothing from elsewhere and nothing written into the page."""

_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": under it a browser says "Origin: null" even of the desk's own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_SAFE = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_OPEN = re.compile(r"/(static/.*|health\.json|enter(\.json)?|enter/[^/]+|join/[^/]+)", re.DOTALL)
_NOBODY = re.compile(r"/(static/|health\.json$)")
"""Addresses that ask nobody who they are."""
_WORDS = re.compile(r"^(/(?:enter|join)/)[^/.]+")
_UPLOADS = re.compile(r"/cases/([^/]+/)?upload(\.json)?")
_FORM_AROUND = 100_000
"""Bytes that a form may need around the file that it sends."""
_FORM = 4_000_000
"""Bytes that any other form may have: the largest scenario that can be read, and what is around it."""
_LITTLE = 50_000
"""Bytes that somebody may send who is not known: they are read before it is known who sends them."""


class GuardedApp(FastAPI):
    """An application behind the guard: outermost, so that answers to errors are guarded too."""

    def build_middleware_stack(self) -> ASGIApp:
        """Return the application with the guard around it."""
        return _Guard(super().build_middleware_stack())


class _Guard:
    def __init__(self, inside: ASGIApp) -> None:
        self._inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._inside(scope, receive, send)
            return
        if scope["type"] != "http":  # the desk has no web sockets
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope)
        send = _with_headers(send)
        answer = _stopped(request)
        if answer is None and not _NOBODY.match(request.url.path):
            answer = await run_in_threadpool(_recognised, request)  # asks the database
        if answer is not None:
            await answer(scope, receive, send)
        else:
            await self._inside(scope, _counted(receive, request), send)


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


def _most(request: Request) -> int:
    """Return how many bytes may be sent to an address: little to those that anybody may ask."""
    if _UPLOADS.fullmatch(request.url.path):
        settings: Settings = request.app.state.desk.settings
        return settings.limits.upload + _FORM_AROUND
    return _LITTLE if _OPEN.fullmatch(request.url.path) else _FORM


def _too_much(request: Request) -> str:
    return f"This is more than the {_most(request) / 1e6:,.1f} MB that may be sent here at once."


def _counted(receive: Receive, request: Request) -> Receive:
    """Stop reading once more arrives than may, whatever was announced."""
    read = 0

    async def counting() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b"")) if message["type"] == "http.request" else 0
        if read > _most(request):
            raise HTTPException(413, _too_much(request))
        return message

    return counting


# ---------------------------------------------------------------------------------------- the gate


def _stopped(request: Request) -> Response | None:
    """Return the answer to what is refused whoever asks, or None."""
    desk: Desk = request.app.state.desk
    request.state.visitor = None
    for check in (_another_host, _not_the_proxy, _unreadable, _too_long, _from_elsewhere):
        answer = check(request, desk.settings)
        if answer is not None:
            return answer
    return None


def _recognised(request: Request) -> Response | None:
    """Write on the request who asks; return the answer to somebody who is nobody, or None."""
    desk: Desk = request.app.state.desk
    try:
        request.state.visitor = _who(request, desk)
    except fs.UsageError as error:
        return told(request, 400, ("The proxy names nobody", str(error)))
    except Exception as error:
        log.error("whoever asked for %s is not known", plain_path(request.url.path), exc_info=error)
        return told(request, 503, ("The desk does not answer", "Its database failed. Try again in a minute."))
    if request.state.visitor is None and not _OPEN.fullmatch(request.url.path):
        return _not_in(request, desk.settings)
    return None


def _another_host(request: Request, settings: Settings) -> Response | None:
    if settings.team or _own_name(request, settings):
        return None
    what = f"This desk is at {origin_of(request, settings)} and answers to no other name."
    return told(request, 400, ("Another host was meant", what))


def _not_the_proxy(request: Request, settings: Settings) -> Response | None:
    if not settings.header or settings.header not in request.headers or _peer(request) in _proxies(settings):
        return None
    return told(request, 403, ("Not through the proxy", "Only the proxy may say who comes in. Go through it."))


def _unreadable(request: Request, _: Settings) -> Response | None:
    """Refuse the one character that no database takes."""
    if "\0" not in request.url.path and "%00" not in request.url.query:
        return None
    return told(request, 422, ("That is not understood", "The address holds a character that no text holds."))


def _too_long(request: Request, _: Settings) -> Response | None:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) <= _most(request):
        return None
    return told(request, 413, ("Too much", _too_much(request)), headers={"Connection": "close"})


def _from_elsewhere(request: Request, settings: Settings) -> Response | None:
    if request.method in _SAFE or _from_here(request, settings):
        return None
    what = "A change is sent from a page of this desk. A program sends the header 'Origin: {}'."
    return told(request, 403, ("It was sent from elsewhere", what.format(origin_of(request, settings))))


def _not_in(request: Request, settings: Settings) -> Response:
    if settings.header:
        return told(request, 401, ("Nobody came in", "The proxy did not say who asks, or the account is closed."))
    where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    door = "/enter" if where == "/" else f"/enter?then={quote(where, safe='')}"
    if "hx-request" in request.headers or as_data(request) or request.method not in _SAFE:
        return told(
            request, 401, ("Come in first", "The session is over: come in again."), headers={"HX-Redirect": "/enter"}
        )
    return RedirectResponse(door, 303)


def _who(request: Request, desk: Desk) -> Visitor | None:
    """Return who asks: whom the proxy names, where one does; else whose session the cookie is of."""
    settings = desk.settings
    if settings.header:
        given = request.headers.getlist(settings.header)
        if len(given) > 1:
            raise fs.UsageError(f"the header {settings.header} came {len(given)} times")
        return accounts.named(desk, _text(given[0])) if given else None
    word = request.cookies.get(cookie_name(request, settings))
    return accounts.known(desk, word) if word else None


def _text(header: str) -> str:
    """Return a header's text: it was read as Latin-1, and proxies write UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header


def _from_here(request: Request, settings: Settings) -> bool:
    """Return whether a change was sent from a page of this desk, or by a program that nothing vouches for.

    A browser says where a request comes from in `Sec-Fetch-Site`, or, where the desk is not at https or on this
    computer, in `Origin`; it says at least one with every POST. What says neither is no browser. It is let through
    only where no cookie and no proxy vouches for it, since then there is nothing that another site could borrow: it
    can do no more than ask to come in.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if settings.address and origin not in (None, "null") and origin != origin_of(request, settings):
        return False
    if site is not None:
        return site in ("same-origin", "none")
    if origin is not None:
        return origin == origin_of(request, settings)
    return "cookie" not in request.headers and not settings.header


def _own_name(request: Request, settings: Settings) -> bool:
    """Return whether a local desk was asked by a name of this computer.

    Another site may let its own name point to 127.0.0.1, and its pages would then count as ours (DNS rebinding).
    """
    try:
        asked = urlsplit(f"//{request.headers.get('host', '')}")
        host, port = asked.hostname, asked.port or 80
    except ValueError:
        return False
    if settings.address and asked.netloc == urlsplit(settings.address).netloc:
        return True
    server = request.scope.get("server") or ("", 0)
    return host in _LOOPBACK and port == server[1]


def origin_of(request: Request, settings: Settings) -> str:
    """Return the origin under which visitors see the desk: what it was told, or what this request names."""
    if settings.address:
        parts = urlsplit(settings.address)
        return f"{parts.scheme}://{parts.netloc}".lower()
    if not settings.team:
        server = request.scope.get("server") or ("127.0.0.1", 0)
        asked = request.headers.get("host", "").lower()
        return f"http://{asked}" if _own_name(request, settings) else f"http://127.0.0.1:{server[1]}"
    return f"{request.url.scheme}://{request.headers.get('host', '').lower()}"


def secure(request: Request, settings: Settings) -> bool:
    """Return whether visitors see the desk by https."""
    return origin_of(request, settings).startswith("https://")


def cookie_name(request: Request, settings: Settings) -> str:
    """Return the name of the session's cookie.

    Cookies do not know ports, so the port of a local desk is in the name: two desks on one computer keep apart. By
    https, the prefix keeps other hosts of the same domain from setting it.
    """
    if secure(request, settings):
        return "__Host-fieldshift"
    return f"fieldshift-{(request.scope.get('server') or ('', 0))[1]}"


def _proxies(settings: Settings) -> frozenset[str]:
    return frozenset(_plain(address) for address in settings.proxies)


def _plain(address: str) -> str:
    """Return an address in one spelling; an IPv4 one that came in by IPv6 is itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)


def _peer(request: Request) -> str:
    return _plain(request.client.host) if request.client else ""


def caller(request: Request, settings: Settings) -> str:
    """Return the address of whoever asks: as a named proxy tells it, or that of the connection."""
    peer = _peer(request)
    if peer not in _proxies(settings):
        return peer
    told_by_proxies = ",".join(request.headers.getlist("x-forwarded-for") or [peer])  # the last one is our proxy's
    return _plain(told_by_proxies.rsplit(",", 1)[-1].strip())


def plain_path(path: str) -> str:
    """Return a path without the word that lets somebody in, as a log may show it."""
    return _WORDS.sub(r"\1…", path)
