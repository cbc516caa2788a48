"""A client of a desk, and accounts made without a door."""

from fastapi.testclient import TestClient
from sqlalchemy import insert

from fieldshift.web import accounts
from fieldshift.web.app import create_app
from fieldshift.web.desk import Desk
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings
from fieldshift.web.store.tables import users

LOCAL = "http://127.0.0.1:8311"
TEAM = "https://desk.example.org"


class Desked(TestClient):
    """A client of a desk: it sends what a browser sends from the desk's own pages.

    Attributes:
        desk: The desk that it asks.
        visitor: Who it is, or None before anybody came in.
    """

    def __init__(self, settings: Settings, origin: str, **more) -> None:
        super().__init__(create_app(settings), base_url=origin, headers={"Origin": origin}, **more)
        self.visitor: Visitor | None = None

    @property
    def desk(self) -> Desk:
        return self.app.state.desk

    def come_in(self, visitor: Visitor) -> None:
        """Begin a session without the door."""
        with self.desk.db.begin() as store:
            word, _ = accounts.begun(store, self.desk, visitor.id)
        self.cookies.set("__Host-fieldshift" if str(self.base_url).startswith("https") else "fieldshift-8311", word)
        self.visitor = visitor


def account(desk: Desk, name: str, role: str, password: str = "never used: no door in these tests") -> Visitor:
    """Make an account without an invitation; the text in place of a password's hash lets nobody in."""
    with desk.db.begin() as store:
        row = insert(users).values(name=name, role=role, password=password, active=True, created=desk.now())
        made = store.execute(row).inserted_primary_key[0]
    return Visitor(made, name, role)
