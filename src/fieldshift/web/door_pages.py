"""The pages at the door: coming in by a link or with a password, joining, leaving."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

import fieldshift as fs
from fieldshift.web import accounts, passwords
from fieldshift.web.desk import Desk, NotHere, TheDesk
from fieldshift.web.doors import Role, Visitor, visitor_of
from fieldshift.web.guard import caller, cookie_name, secure
from fieldshift.web.pages import page, rendered
from fieldshift.web.telling import Told, as_data, told
from fieldshift.web.texts import Text

__all__ = ["router"]

router = APIRouter()

_ANSWERS: dict[int | str, dict[str, Any]] = {
    429: {"model": Told, "description": "Too many failures: the header Retry-After says how long to wait"}
}


class Door(BaseModel):
    """What is at the door.

    Attributes:
        way: How one comes in: by a link, with a password, or as whom a proxy names.
        name: Who is in already, or None.
        then: Where to go after coming in.
        wrong: Why the last try failed.
    """

    way: Literal["link", "password", "proxy"]
    name: str | None
    then: str = "/cases"
    wrong: str = ""


class Key(BaseModel):
    """A name and its password."""

    name: Text
    password: Text


class In(BaseModel):
    """Who came in."""

    name: str
    role: Role


class Left(BaseModel):
    """Whether the session has ended."""

    left: bool = True


class Health(BaseModel):
    """Whether the desk can work.

    Attributes:
        status: `ok`, or `failing` where its database does not answer.
        version: Of Fieldshift.
    """

    status: Literal["ok", "failing"]
    version: str


@router.get("/health.json", responses={503: {"model": Health, "description": "The database does not answer"}})
def health(desk: TheDesk, response: Response) -> Health:
    """Tell whether the desk can work; anybody may ask."""
    try:
        with desk.db.connect() as store:
            store.execute(select(1)).scalar_one()
    except SQLAlchemyError:
        response.status_code = 503
        return Health(status="failing", version=fs.__version__)
    return Health(status="ok", version=fs.__version__)


# ------------------------------------------------------------------------------------- coming in


@page(router, "/enter", "enter.html.j2")
def enter(request: Request, desk: TheDesk, then: str = "/cases") -> Door:
    """Tell how one comes in."""
    visitor = visitor_of(request)
    return Door(way=_way(desk), name=visitor.name if visitor else None, then=_inside(then))


@router.post("/enter", include_in_schema=False)
def enter_by_form(
    request: Request,
    desk: TheDesk,
    name: Annotated[Text, Form()],
    password: Annotated[Text, Form()],
    then: Annotated[Text, Form()] = "/cases",
) -> Response:
    """Let in whoever knows the password of a name."""
    visitor, wait = _tried(request, desk, name, password)
    if visitor is None:
        door = Door(way=_way(desk), name=None, then=_inside(then), wrong=_wrong(wait))
        answer: Response = rendered(request, "enter.html.j2", door, 429 if wait else 401)
        answer.headers.update(_retry(wait))
        return answer
    return _let_in(request, desk, visitor.id, RedirectResponse(_inside(then), 303))


@router.post("/enter.json", response_model=In, responses=_ANSWERS)
def enter_by_json(request: Request, desk: TheDesk, key: Key) -> Response:
    """Let in whoever knows the password of a name: the answer sets the session's cookie."""
    visitor, wait = _tried(request, desk, key.name, key.password)
    if visitor is None:
        error = ("Not let in", _wrong(wait))
        return told(request, 429 if wait else 401, error, headers=_retry(wait))
    return _let_in(request, desk, visitor.id, JSONResponse(In(name=visitor.name, role=visitor.role).model_dump()))


@router.get("/enter/{word}", include_in_schema=False)
def enter_by_link(word: str, request: Request, desk: TheDesk) -> Response:
    """Let in whoever has the link that the terminal shows."""
    if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
        return Response(status_code=503)  # a browser that looks ahead must not spend the link
    visitor = visitor_of(request)
    if desk.settings.header and visitor:
        accounts.made_admin(desk, word, visitor)
        return RedirectResponse("/people", 303)
    if desk.settings.team:
        raise NotHere("On this desk one comes in with a name.")
    with desk.db.begin() as store:
        good = accounts.spent(store, desk, word, "link")
        user = accounts.local(store, desk) if good else 0
    if good:
        desk.note(accounts.LOCAL, "came in", "the desk", by="link")
        return _let_in(request, desk, user, RedirectResponse("/cases", 303))
    if visitor:
        return RedirectResponse("/cases", 303)
    raise NotHere("This link was used, or its time is over. `fieldshift serve --store STORE --link` prints another.")


def _way(desk: Desk) -> Literal["link", "password", "proxy"]:
    return "proxy" if desk.settings.header else "password" if desk.settings.team else "link"


def _inside(then: str) -> str:
    """Return an address of this desk, never one elsewhere."""
    return then if re.fullmatch(r"/(?![/\\])[!-\[\]-~]*", then) else "/cases"


def _tried(request: Request, desk: Desk, name: str, password: str) -> tuple[Visitor | None, float]:
    """Return whose name and password these are, or None and how many seconds to wait.

    Failures are not written into the log of the desk: people type passwords into the field of the name.
    """
    if _way(desk) != "password":
        raise NotHere("On this desk nobody has a password.")
    failures, address = passwords.failures_of(request), caller(request, desk.settings)
    wait = failures.wait(name, address, desk.now())
    if wait:
        return None, wait
    visitor = passwords.recognised(desk, name, password)
    if visitor is not None:
        failures.succeeded(name, address)
        desk.note(visitor.name, "came in", "the desk", by="password")
    return visitor, 0.0


def _wrong(wait: float) -> str:
    if wait:
        return f"There were too many failures. Try again in {int(wait) + 1} seconds."
    return "The name or the password is wrong."


def _retry(wait: float) -> dict[str, str]:
    return {"Retry-After": str(int(wait) + 1)} if wait else {}


def _let_in(request: Request, desk: Desk, user: int, answer: Response) -> Response:
    """Begin a session and put its word into the answer's cookie."""
    old = request.cookies.get(cookie_name(request, desk.settings))
    with desk.db.begin() as store:
        session, lasts = accounts.begun(store, desk, user, old)
    return _with_cookie(request, desk, answer, session, lasts)


def _with_cookie(request: Request, desk: Desk, answer: Response, session: str, lasts: float) -> Response:
    """Put a session's word where no script reads it.

    SameSite is Lax, not Strict: a link to a result that a colleague sends must find its reader inside. What changes
    anything is a POST, and the guard asks where each comes from.
    """
    name, https = cookie_name(request, desk.settings), secure(request, desk.settings)
    answer.set_cookie(name, session, max_age=int(lasts), path="/", secure=https, httponly=True, samesite="lax")
    return answer


# --------------------------------------------------------------------------------------- joining


class Joining(BaseModel):
    """What an invitation is for.

    Attributes:
        kind: `first` and `account` make an account, `password` gives one a new password.
        name: Whose it is, where the invitation says so.
        role: What its owner may do.
        expires: Until when it is good, in seconds since 1970.
        wrong: Why the last try failed.
        given: The name that was tried.
    """

    kind: Literal["first", "account", "password"]
    name: str | None
    role: Role
    expires: float
    wrong: str = ""
    given: str = ""


class New(BaseModel):
    """The name and the password of a new account."""

    name: Text = ""
    password: Text


@page(router, "/join/{word}", "join.html.j2")
def join(request: Request, desk: TheDesk, word: str) -> Joining:
    """Tell what an invitation is for."""
    return _joining(desk, word)


@router.post("/join/{word}.json", response_model=In, status_code=201)
def join_by_json(request: Request, desk: TheDesk, word: str, new: New) -> Response:
    """Make an account by an invitation: the answer sets the session's cookie."""
    name, session = _joined(request, desk, word, new)
    found = next(row for row in accounts.people(desk) if row.name == name)
    answer = JSONResponse(In(name=found.name, role=found.role).model_dump(), 201)
    return _with_cookie(request, desk, answer, *session)


@router.post("/join/{word}", include_in_schema=False)
def join_by_form(
    request: Request,
    desk: TheDesk,
    word: str,
    password: Annotated[Text, Form()] = "",
    name: Annotated[Text, Form()] = "",
) -> Response:
    """Make an account by an invitation, and let its owner in."""
    try:
        _, session = _joined(request, desk, word, New(name=name, password=password))
    except fs.UsageError as error:
        again = _joining(desk, word).model_copy(update={"wrong": str(error), "given": name})
        return rendered(request, "join.html.j2", again, 422)
    return _with_cookie(request, desk, RedirectResponse("/cases", 303), *session)


def _joining(desk: Desk, word: str) -> Joining:
    found = accounts.invitation(desk, word)
    if found.kind == "link" or _way(desk) != "password":
        raise NotHere("On this desk nobody joins by an invitation.")
    return Joining(kind=found.kind, name=found.name, role=found.role, expires=found.expires)


def _joined(request: Request, desk: Desk, word: str, new: New) -> tuple[str, tuple[str, float]]:
    name = _joining(desk, word).name or accounts.plain_name(new.name)
    kept = passwords.hashed(passwords.allowed(new.password, name))
    old = request.cookies.get(cookie_name(request, desk.settings))
    return name, accounts.joined(desk, word, name, kept, old)


# --------------------------------------------------------------------------------------- leaving


@router.post("/leave", include_in_schema=False)
@router.post("/leave.json", response_model=Left)
def leave(request: Request, desk: TheDesk) -> Response:
    """End the session."""
    name = cookie_name(request, desk.settings)
    word = request.cookies.get(name)
    if word:
        accounts.ended(desk, word)
    answer: Response = JSONResponse(Left().model_dump()) if as_data(request) else RedirectResponse("/enter", 303)
    answer.delete_cookie(name, path="/", secure=secure(request, desk.settings), httponly=True, samesite="lax")
    return answer
