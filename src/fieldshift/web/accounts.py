"""People, the words that let them in, and their sessions. Words are kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

import fieldshift as fs
from fieldshift.web.desk import Desk, NotHere
from fieldshift.web.doors import Role, Visitor
from fieldshift.web.store.tables import invitations, sessions, users

__all__ = [
    "LOCAL",
    "Invitation",
    "begun",
    "ended",
    "first_needed",
    "invitation",
    "invited",
    "joined",
    "known",
    "local",
    "made_admin",
    "named",
    "pending",
    "people",
    "plain_name",
    "set_active",
    "set_role",
    "spent",
    "withdrawn",
]

LOCAL = "local"
"""The one visitor of a desk without accounts. Nobody else may have this name."""

DAY = 86_400.0
LASTS = {"link": 900.0, "first": 3600.0, "account": 7 * DAY, "password": DAY, "team": 7 * DAY, "local": 30 * DAY}
"""Seconds that a link, an invitation, a link to a new password and a session are good for."""

_NO_LINK = "This link was used, or its time is over. Ask for a new one."

Kind = Literal["link", "first", "account", "password"]


@dataclass(frozen=True)
class Invitation:
    """A word that was given out.

    Attributes:
        id: Its row.
        kind: `link` lets in the local visitor, or makes an admin of whom a proxy names; `first` makes the account of
            the first admin, `account` any other; `password` sets a new one.
        name: Whom it is for, or None.
        role: What whoever comes in by it may do.
        expires: Until when it is good, in seconds since 1970.
    """

    id: int
    kind: Kind
    name: str | None
    role: Role
    expires: float


def _digest(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "replace")).hexdigest()


def plain_name(given: str) -> str:
    """Return a name in one spelling: normal form, no space around it and one between its words.

    Raises:
        UsageError: It is empty, too long, holds what cannot be seen, or is kept for the local visitor.
    """
    name = " ".join(unicodedata.normalize("NFKC", given.encode("utf-8", "replace").decode("utf-8")).split())
    if not 1 <= len(name) <= 100:
        raise fs.UsageError("a name has 1 to 100 characters")
    if any(unicodedata.category(letter)[0] == "C" for letter in name):
        raise fs.UsageError("a name holds only characters that can be seen")
    if name.casefold() == LOCAL:
        raise fs.UsageError(f"the name '{LOCAL}' is kept for a desk without accounts")
    return name


# ------------------------------------------------------------------------------------------ words


def invited(desk: Desk, kind: Kind, role: Role, name: str | None = None, by: Visitor | None = None) -> str:
    """Make a word that is good once and for a while, and return it; only its digest is kept."""
    word, now = secrets.token_urlsafe(24), desk.now()
    row = {"kind": kind, "role": role, "name": name, "made_by": by.id if by else None, "created": now}
    with desk.db.begin() as store:
        store.execute(delete(invitations).where(invitations.c.expires < now - 30 * DAY))
        store.execute(insert(invitations).values(**row, digest=_digest(word), expires=now + LASTS[kind]))
    return word


def invitation(desk: Desk, word: str) -> Invitation:
    """Return what a word is good for, without spending it.

    Raises:
        NotHere: There is no such word, it was used, or its time is over. Which of these is not told.
    """
    with desk.db.connect() as store:
        row = store.execute(select(invitations).where(*_good(desk, word))).first()
    if row is None:
        raise NotHere(_NO_LINK)
    return Invitation(row.id, row.kind, row.name, row.role, row.expires)


def spent(store: Connection, desk: Desk, word: str, kind: Kind) -> bool:
    """Spend a word, and return whether it was good for this: of two who come with it at once, one is let in."""
    which = update(invitations).where(*_good(desk, word), invitations.c.kind == kind)
    return store.execute(which.values(used=desk.now())).rowcount == 1


def _good(desk: Desk, word: str) -> tuple[Any, ...]:
    c = invitations.c
    return c.digest == _digest(word), c.used.is_(None), c.expires > desk.now()


def pending(desk: Desk) -> list[Invitation]:
    """Return the invitations that nobody has used yet."""
    c = invitations.c
    kinds = c.kind.in_(["account", "password"])
    which = select(invitations).where(kinds, c.used.is_(None), c.expires > desk.now()).order_by(c.id)
    with desk.db.connect() as store:
        return [Invitation(row.id, row.kind, row.name, row.role, row.expires) for row in store.execute(which)]


def withdrawn(desk: Desk, invitation: int) -> None:
    """Make an invitation useless.

    Raises:
        NotHere: There is none with this id that could still be used.
    """
    c = invitations.c
    which = update(invitations).where(c.id == invitation, c.used.is_(None)).values(used=desk.now())
    with desk.db.begin() as store:
        if store.execute(which).rowcount != 1:
            raise NotHere(f"there is no open invitation {invitation}")


# --------------------------------------------------------------------------------------- sessions


def begun(store: Connection, desk: Desk, user: int, old: str | None = None) -> tuple[str, float]:
    """Begin a session: a new word, whatever the browser had before, which ends.

    Args:
        store: A transaction.
        desk: The desk.
        user: The row of whoever came in.
        old: The word of the session that the browser brought, if any.

    Returns:
        The word, of which only the digest is kept, and how many seconds it is good for.
    """
    word, now = secrets.token_urlsafe(32), desk.now()
    lasts = LASTS["team" if desk.settings.team else "local"]
    store.execute(delete(sessions).where(sessions.c.expires < now))
    if old:
        store.execute(delete(sessions).where(sessions.c.digest == _digest(old)))
    store.execute(insert(sessions).values(digest=_digest(word), user_id=user, created=now, expires=now + lasts))
    return word, lasts


def ended(desk: Desk, word: str) -> None:
    """End a session."""
    with desk.db.begin() as store:
        store.execute(delete(sessions).where(sessions.c.digest == _digest(word)))


def known(desk: Desk, word: str) -> Visitor | None:
    """Return whose session it is, or None where there is no such session.

    A session is good in the way of coming in that it began in: a desk that was local and now has accounts does not
    know the local visitor any more, nor the other way round.
    """
    own = users.c.password.is_not(None) if desk.settings.team else users.c.name == LOCAL
    which = (
        select(users.c.id, users.c.name, users.c.role)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.digest == _digest(word), sessions.c.expires > desk.now(), users.c.active, own)
    )
    with desk.db.connect() as store:
        row = store.execute(which).first()
    return Visitor(row.id, row.name, row.role) if row else None


# ----------------------------------------------------------------------------------------- people


def local(store: Connection, desk: Desk) -> int:
    """Return the row of the local visitor, who is made when first let in."""
    found = store.scalar(select(users.c.id).where(users.c.name == LOCAL))
    if found is not None:
        return int(found)
    made = store.execute(insert(users).values(name=LOCAL, role="admin", active=True, created=desk.now()))
    return int((made.inserted_primary_key or (0,))[0])


def named(desk: Desk, name: str) -> Visitor | None:
    """Return the visitor whom a proxy names; one who was never here before comes in with the desk's default role.

    Returns:
        None where the account was deactivated.

    Raises:
        UsageError: It is not a name.
    """
    given, name = " ".join(name.split()), plain_name(name)
    if name != given:
        raise fs.UsageError("the name is written in letters that look like others: a proxy says it in plain ones")
    which = select(users).where(users.c.name == name)
    with desk.db.connect() as store:
        row = store.execute(which).first()
    if row is None:
        new = insert(users).values(name=name, role=desk.settings.sso_role, active=True, created=desk.now())
        try:
            with desk.db.begin() as store:
                store.execute(new)
        except IntegrityError:  # two first requests at once: the other one made it
            pass
        else:
            desk.note(name, "came in first", f"account {name}", role=desk.settings.sso_role)
        with desk.db.connect() as store:
            row = store.execute(which).one()
    return Visitor(row.id, row.name, row.role) if row.active else None


def people(desk: Desk) -> list[Row[Any]]:
    """Return everybody who has or had an account: rows of id, name, role, active and created."""
    c = users.c
    which = select(c.id, c.name, c.role, c.active, c.created).where(c.name != LOCAL).order_by(func.lower(c.name))
    with desk.db.connect() as store:
        return list(store.execute(which))


def first_needed(desk: Desk) -> bool:
    """Return whether a desk with accounts has no admin who could invite anybody."""
    with desk.db.connect() as store:
        return store.scalar(_admins(desk)) == 0


def _admins(desk: Desk) -> Select[int]:
    """Return what counts the admins of a desk with accounts."""
    c = users.c
    which = select(func.count()).select_from(users).where(c.role == "admin", c.active, c.name != LOCAL)
    return which if desk.settings.header else which.where(c.password.is_not(None))


def set_role(desk: Desk, visitor: Visitor, user: int, role: Role) -> None:
    """Give somebody another role, from their next request on.

    Raises:
        NotHere: There is no such account.
        UsageError: They are the last admin.
    """
    old = _changed(desk, user, role=role)
    desk.note(visitor.name, "changed a role", f"account {old.name}", old=old.role, new=role)


def set_active(desk: Desk, visitor: Visitor, user: int, active: bool) -> None:
    """Let somebody in no more, and end all their sessions and invitations at once; or let them in again.

    Raises:
        NotHere: There is no such account.
        UsageError: They are the last admin.
    """
    old = _changed(desk, user, active=active)
    desk.note(visitor.name, "let in again" if active else "deactivated", f"account {old.name}")


def _changed(desk: Desk, user: int, **values: object) -> Row[Any]:
    c = users.c
    admins = select(c.id).where(c.role == "admin", c.active, c.name != LOCAL)
    with desk.db.begin() as store:
        # Two admins who remove each other at once: the rows are locked before anything is changed and counted.
        store.execute(admins.order_by(c.id).with_for_update()).all()
        old = store.execute(select(users).where(c.id == user, c.name != LOCAL)).first()
        if old is None:
            raise NotHere(f"there is no account {user}")
        store.execute(update(users).where(c.id == user).values(**values))
        if not store.execute(admins).first():
            raise fs.UsageError(f"{old.name} is the last admin: make somebody else an admin first")
        if values.get("active") is False:
            store.execute(delete(sessions).where(sessions.c.user_id == user))
        if values.get("active") is False or values.get("role", "admin") != "admin":
            _withdrawn(store, desk, invitations.c.made_by == user)  # who invites no more is not to have invited
    return old


def _withdrawn(store: Connection, desk: Desk, *which: ColumnElement[bool]) -> None:
    """Let words that were not used yet be good no more."""
    store.execute(update(invitations).where(invitations.c.used.is_(None), *which).values(used=desk.now()))


def joined(desk: Desk, word: str, name: str, password: str, old: str | None) -> tuple[str, float]:
    """Make an account by an invitation, or give it a new password, and let its owner in.

    Args:
        desk: The desk.
        word: The word of the invitation.
        name: The account's name; that of the invitation goes before it.
        password: What is kept of the password, or rather its hash.
        old: The word of the session that the browser brought, if any.

    Returns:
        The word of the new session, and how many seconds it is good for.

    Raises:
        NotHere: The word is not good, or not any more.
        UsageError: The name is taken.
    """
    found = invitation(desk, word)
    name = found.name or plain_name(name)
    with desk.db.begin() as store:
        if found.kind == "link" or not spent(store, desk, word, found.kind):
            raise NotHere(_NO_LINK)
        if found.kind == "first":
            if store.scalar(_admins(desk)):
                raise NotHere(_NO_LINK)  # an older link of whoever started the desk
            _withdrawn(store, desk, invitations.c.kind == "first")
        if found.kind == "password":
            _withdrawn(store, desk, invitations.c.kind == "password", invitations.c.name == name)
            user = store.scalar(select(users.c.id).where(users.c.name == name, users.c.active))
            if user is None:
                raise NotHere(_NO_LINK)
            store.execute(update(users).where(users.c.id == user).values(password=password))
            store.execute(delete(sessions).where(sessions.c.user_id == user))
        else:
            user = _made(store, desk, name, found.role, password)
        session = begun(store, desk, int(user), old)
    did = "set a new password" if found.kind == "password" else "joined"
    desk.note(name, did, f"account {name}", role=found.role)
    return session


def _made(store: Connection, desk: Desk, name: str, role: Role, password: str) -> int:
    taken = fs.UsageError(f"the name '{name}' is taken")
    if name.casefold() in (other.casefold() for other in store.scalars(select(users.c.name))):
        raise taken
    new = insert(users).values(name=name, role=role, password=password, active=True, created=desk.now())
    try:
        return int((store.execute(new).inserted_primary_key or (0,))[0])
    except IntegrityError:  # somebody took it at the same moment
        raise taken from None


def made_admin(desk: Desk, word: str, visitor: Visitor) -> None:
    """Make an admin of a visitor whom a proxy names, by the link of whoever starts the desk.

    Raises:
        NotHere: The word is not good, or not any more.
    """
    with desk.db.begin() as store:
        if not spent(store, desk, word, "link"):
            raise NotHere(_NO_LINK)
        _withdrawn(store, desk, invitations.c.kind == "link")  # older ones of whoever started the desk
        store.execute(update(users).where(users.c.id == visitor.id).values(role="admin"))
    desk.note(visitor.name, "became an admin", f"account {visitor.name}")
