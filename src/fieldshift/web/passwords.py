"""Passwords: kept as argon2 hashes, checked in the same time whoever it is, slower after failures."""

from __future__ import annotations

import ipaddress
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from fastapi import Request
from sqlalchemy import select, update

import fieldshift as fs
from fieldshift.web.desk import Desk
from fieldshift.web.doors import Visitor
from fieldshift.web.store.tables import users

__all__ = ["Failures", "allowed", "failures_of", "hashed", "recognised"]

SHORTEST = 12
"""Characters that a password has at least; no rule about their kinds (NIST SP 800-63B, section 3.1.1)."""
LONGEST = 500

_hasher = PasswordHasher()
_at_once = threading.Semaphore(2)
"""A hash takes 64 MiB while it is made: many who try at once wait for each other, and the memory is not used up."""
_nobody = _hasher.hash(secrets.token_urlsafe())
"""What is checked where there is no such name, so that the answer takes as long."""


def allowed(password: str, name: str) -> str:
    """Return a password that may be used.

    Raises:
        UsageError: It is too short or too long, or it is the name.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise fs.UsageError(f"a password has {SHORTEST} to {LONGEST} characters: a few words will do")
    if password.casefold() == name.casefold() or len(set(password)) < 4:
        raise fs.UsageError("this password is too easy to guess")
    return password


def hashed(password: str) -> str:
    """Return what is kept of a password."""
    with _at_once:
        return _hasher.hash(password.encode("utf-8", "replace"))


def recognised(desk: Desk, name: str, password: str) -> Visitor | None:
    """Return whose name and password these are, or None; neither the answer nor its time tells why.

    Hashes made with older parameters are made again.
    """
    wanted = name.casefold()
    which = select(users).where(users.c.active, users.c.password.is_not(None))
    with desk.db.connect() as store:
        found = next((row for row in store.execute(which) if row.name.casefold() == wanted), None)
    kept = found.password if found else _nobody
    right = _fits(kept, password)
    if found is None or not right:
        return None
    if _hasher.check_needs_rehash(kept):
        with desk.db.begin() as store:
            store.execute(update(users).where(users.c.id == found.id).values(password=hashed(password)))
    return Visitor(found.id, found.name, found.role)


def _fits(kept: str, password: str) -> bool:
    with _at_once:
        try:
            return _hasher.verify(kept, password[: 2 * LONGEST].encode("utf-8", "replace"))
        except (VerificationError, InvalidHashError):
            return False


# ------------------------------------------------------------------------------------- slower doors


@dataclass
class _Count:
    failures: int = 0
    until: float = 0.0
    last: float = 0.0


@dataclass
class Failures:
    """Failures to come in, by name and address and by address alone; at most so many are remembered.

    Attributes:
        most: How many names and addresses are remembered; the oldest are forgotten first.
        free: Failures with one name from one address before it takes longer.
        free_address: The same with any names.
    """

    most: int = 20_000
    free: int = 5
    free_address: int = 50
    _found: OrderedDict[tuple[str, str], _Count] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    LONGEST = 300.0
    FORGOTTEN = 3600.0

    def wait(self, name: str, address: str, now: float) -> float:
        """Return the seconds to wait before this try, and 0 where it may go on: it then counts as failed already."""
        with self._lock:
            counts = [(self._count(key, now), free) for key, free in self._keys(name, address)]
            wait = max(count.until - now for count, _ in counts)
            if wait > 0:
                return wait
            for count, free in counts:
                count.failures, count.last = count.failures + 1, now
                if count.failures >= free:
                    count.until = now + min(self.LONGEST, 2.0 ** min(20, count.failures - free))
            return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures with a name from an address; those from the address with other names stay."""
        with self._lock:
            mine, (whole, _) = self._keys(name, address)
            self._found.pop(mine[0], None)
            count = self._found.get(whole)
            if count is not None:
                count.failures, count.until = max(0, count.failures - 1), 0.0

    def _keys(self, name: str, address: str) -> tuple[tuple[tuple[str, str], int], tuple[tuple[str, str], int]]:
        net = _net(address)
        return (("=" + name.casefold()[:100], net), self.free), (("", net), self.free_address)

    def _count(self, key: tuple[str, str], now: float) -> _Count:
        found = self._found.setdefault(key, _Count())
        self._found.move_to_end(key)
        if now - found.last > self.FORGOTTEN:
            found.failures = 0
        while len(self._found) > self.most:
            self._found.popitem(last=False)
        return found


def _net(address: str) -> str:
    """Return whom an address belongs to: an IPv6 network of 64 bits is one computer's."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))


def failures_of(request: Request) -> Failures:
    """Return the failures that this server remembers."""
    state = request.app.state
    if not hasattr(state, "failures"):
        state.failures = Failures()
    found: Failures = state.failures
    return found
