"""The pages of admins: people and their roles, and the log of who changed and ran what."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel
from sqlalchemy import func, select

import fieldshift as fs
from fieldshift.web import accounts
from fieldshift.web.desk import Desk, NotHere, TheDesk
from fieldshift.web.doors import Admin, Role, Visitor
from fieldshift.web.guard import origin_of
from fieldshift.web.pages import page, pages_of, rendered
from fieldshift.web.store.tables import audit
from fieldshift.web.texts import Text

__all__ = ["router"]

router = APIRouter()

_LINES = 100
"""Lines of the log on a page."""

Row = Annotated[int, Path(ge=1, le=2**31 - 1)]
"""The number of a row, as the database numbers them."""


class Person(BaseModel):
    """Somebody who has or had an account.

    Attributes:
        id: Their number.
        name: Their name.
        role: What they may do.
        active: Whether they are let in.
        created: Since when, in seconds since 1970.
    """

    id: int
    name: str
    role: Role
    active: bool
    created: float


class Open(BaseModel):
    """An invitation that nobody has used yet.

    Attributes:
        id: Its number.
        kind: `account` makes an account, `password` gives one a new password.
        name: Whom it is for, where that was said.
        role: What they may do.
        expires: Until when it is good, in seconds since 1970.
    """

    id: int
    kind: str
    name: str | None
    role: Role
    expires: float


class People(BaseModel):
    """Everybody, and the invitations.

    Attributes:
        people: Who has or had an account.
        invitations: What nobody has used yet.
        by_proxy: Whether a proxy names who comes in, so that nobody is invited.
        link: The link that was just made; it is shown this once.
        link_for: Whom it is for.
        wrong: Why the last change failed.
    """

    people: list[Person]
    invitations: list[Open]
    by_proxy: bool
    link: str = ""
    link_for: str = ""
    wrong: str = ""


class Invite(BaseModel):
    """Who is invited: a name may be given, which the account then has."""

    role: Role = "viewer"
    name: Text = ""


class Link(BaseModel):
    """A link that is good once; nobody can read it again."""

    link: str


class NewRole(BaseModel):
    """Another role."""

    role: Role


class Active(BaseModel):
    """Whether somebody is let in."""

    active: bool


class Done(BaseModel):
    """That it is done."""

    done: bool = True


@page(router, "/people", "people.html.j2")
def people(request: Request, desk: TheDesk, visitor: Admin) -> People:
    """List who has an account, and the invitations."""
    return _people(desk)


def _people(desk: Desk, **more: str) -> People:
    if not desk.settings.team:
        raise NotHere("This desk has one visitor and no accounts: `fieldshift serve --team` begins some.")
    return People(
        people=[Person.model_validate(row, from_attributes=True) for row in accounts.people(desk)],
        invitations=[Open.model_validate(row, from_attributes=True) for row in accounts.pending(desk)],
        by_proxy=desk.settings.header is not None,
        **more,
    )


def _person(desk: Desk, user: int) -> Person:
    found = next((person for person in _people(desk).people if person.id == user), None)
    if found is None:
        raise NotHere(f"there is no account {user}")
    return found


# --------------------------------------------------------------------------------------- inviting


@router.post("/people/invite.json", status_code=201)
def invite_by_json(request: Request, desk: TheDesk, visitor: Admin, asked: Invite) -> Link:
    """Invite somebody: the link makes an account, once."""
    return Link(link=_invited(request, desk, visitor, asked))


@router.post("/people/invite", include_in_schema=False)
def invite_by_form(
    request: Request,
    desk: TheDesk,
    visitor: Admin,
    role: Annotated[Role, Form()] = "viewer",
    name: Annotated[Text, Form()] = "",
) -> Response:
    """Invite somebody, and show the link this once."""
    try:
        link = _invited(request, desk, visitor, Invite(role=role, name=name))
    except fs.UsageError as error:
        return rendered(request, "people.html.j2", _people(desk, wrong=str(error)), 422)
    return rendered(request, "people.html.j2", _people(desk, link=link, link_for=name or f"a new {role}"))


@router.post("/people/{user}/password.json", status_code=201)
def password_by_json(request: Request, desk: TheDesk, visitor: Admin, user: Row) -> Link:
    """Give somebody who forgot their password a link to a new one."""
    return Link(link=_new_password(request, desk, visitor, user))


@router.post("/people/{user}/password", include_in_schema=False)
def password_by_form(request: Request, desk: TheDesk, visitor: Admin, user: Row) -> Response:
    """Give somebody who forgot their password a link to a new one, and show it this once."""
    link = _new_password(request, desk, visitor, user)
    return rendered(request, "people.html.j2", _people(desk, link=link, link_for=_person(desk, user).name))


def _invited(request: Request, desk: Desk, visitor: Visitor, asked: Invite) -> str:
    there = _people(desk)
    if there.by_proxy:
        raise fs.UsageError("the proxy says who comes in: nobody is invited")
    name = accounts.plain_name(asked.name) if asked.name.strip() else None
    if name and name.casefold() in (person.name.casefold() for person in there.people):
        raise fs.UsageError(f"the name '{name}' is taken")
    word = accounts.invited(desk, "account", asked.role, name, visitor)
    desk.note(visitor.name, "invited", f"account {name}" if name else "a new account", role=asked.role)
    return f"{origin_of(request, desk.settings)}/join/{word}"


def _new_password(request: Request, desk: Desk, visitor: Visitor, user: int) -> str:
    person = _person(desk, user)
    if desk.settings.header is not None or not person.active:
        raise fs.UsageError(f"{person.name} has no password here" if person.active else f"{person.name} is not let in")
    word = accounts.invited(desk, "password", person.role, person.name, visitor)
    desk.note(visitor.name, "made a link to a new password", f"account {person.name}")
    return f"{origin_of(request, desk.settings)}/join/{word}"


@router.post("/people/invitations/{invitation}/withdraw.json")
def withdraw_by_json(desk: TheDesk, visitor: Admin, invitation: Row) -> Done:
    """Make an invitation useless."""
    accounts.withdrawn(desk, invitation)
    desk.note(visitor.name, "withdrew an invitation", f"invitation {invitation}")
    return Done()


@router.post("/people/invitations/{invitation}/withdraw", include_in_schema=False)
def withdraw_by_form(desk: TheDesk, visitor: Admin, invitation: Row) -> Response:
    """Make an invitation useless."""
    withdraw_by_json(desk, visitor, invitation)
    return RedirectResponse("/people", 303)


# ---------------------------------------------------------------------------------------- changing


@router.post("/people/{user}/role.json")
def role_by_json(desk: TheDesk, visitor: Admin, user: Row, new: NewRole) -> Person:
    """Give somebody another role, from their next request on."""
    accounts.set_role(desk, visitor, user, new.role)
    return _person(desk, user)


@router.post("/people/{user}/role", include_in_schema=False)
def role_by_form(request: Request, desk: TheDesk, visitor: Admin, user: Row, role: Annotated[Role, Form()]) -> Response:
    """Give somebody another role, from their next request on."""
    return _then_people(request, desk, lambda: accounts.set_role(desk, visitor, user, role))


@router.post("/people/{user}/active.json")
def active_by_json(desk: TheDesk, visitor: Admin, user: Row, new: Active) -> Person:
    """Let somebody in no more, and end their sessions at once; or let them in again."""
    accounts.set_active(desk, visitor, user, new.active)
    return _person(desk, user)


@router.post("/people/{user}/active", include_in_schema=False)
def active_by_form(
    request: Request, desk: TheDesk, visitor: Admin, user: Row, active: Annotated[bool, Form()]
) -> Response:
    """Let somebody in no more, and end their sessions at once; or let them in again."""
    return _then_people(request, desk, lambda: accounts.set_active(desk, visitor, user, active))


def _then_people(request: Request, desk: Desk, change: Any) -> Response:
    try:
        change()
    except fs.UsageError as error:
        return rendered(request, "people.html.j2", _people(desk, wrong=str(error)), 422)
    return RedirectResponse("/people", 303)


# --------------------------------------------------------------------------------------------- log


class Entry(BaseModel):
    """A line of the log.

    Attributes:
        at: When, in seconds since 1970.
        who: Who did it.
        did: What they did.
        what: What it was done to.
        detail: More about it.
    """

    at: float
    who: str
    did: str
    what: str
    detail: dict[str, Any]


class Log(BaseModel):
    """A page of the log, the newest first.

    Attributes:
        entries: Its lines.
        who: Whose lines alone are shown, or nothing.
        did: Which kind alone is shown, or nothing.
        number: The number of the page, from 1.
        pages: How many there are.
        total: How many lines there are.
        names: Who stands in the log.
        kinds: What stands in the log.
    """

    entries: list[Entry]
    who: str
    did: str
    number: int
    pages: int
    total: int
    names: list[str]
    kinds: list[str]


@page(router, "/audit", "audit.html.j2")
def log(
    request: Request,
    desk: TheDesk,
    visitor: Admin,
    who: Text = "",
    did: Text = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> Log:
    """Show who changed and ran what."""
    c = audit.c
    only = [column == value for column, value in ((c.who, who), (c.did, did)) if value]
    with desk.db.connect() as store:
        total = int(store.scalar(select(func.count()).select_from(audit).where(*only)) or 0)
        rows = store.execute(
            select(audit).where(*only).order_by(c.at.desc(), c.id.desc()).limit(_LINES).offset((number - 1) * _LINES)
        ).all()
        names = list(store.scalars(select(c.who).distinct().order_by(c.who)))
        kinds = list(store.scalars(select(c.did).distinct().order_by(c.did)))
    return Log(
        entries=[Entry.model_validate(row, from_attributes=True) for row in rows],
        who=who,
        did=did,
        number=number,
        pages=pages_of(total, _LINES),
        total=total,
        names=names,
        kinds=kinds,
    )
