"""A desk in a temporary folder, and visitors who are in already."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desked import LOCAL, TEAM, Desked, account
from fastapi.testclient import TestClient

import fieldshift as fs
from fieldshift.web import accounts, casebook
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A local desk in a folder of its own, without workers."""
    return Settings(store=tmp_path / "store", database="", workers=0)


@pytest.fixture
def outside(settings: Settings) -> Iterator[Desked]:
    """A local desk, and nobody in."""
    with Desked(settings, LOCAL) as client:
        yield client
        client.desk.db.dispose()


@pytest.fixture
def desk_client(outside: Desked) -> Desked:
    """A local desk, and its one visitor, who is in and is an admin."""
    with outside.desk.db.begin() as store:
        user = accounts.local(store, outside.desk)
    outside.come_in(Visitor(user, accounts.LOCAL, "admin"))
    return outside


@pytest.fixture
def team_clients(tmp_path: Path) -> Iterator[dict[str, Desked]]:
    """A desk with accounts, by https, and somebody of each role in it: viewer, analyst, admin.

    Their names are vera, anna and adam. A second analyst, `other`, is bert. The key `nobody` is not in.
    """
    settings = Settings(store=tmp_path / "team", team=True, workers=0, address=TEAM)
    first = Desked(settings, TEAM)
    found = {"nobody": first}
    people = {"viewer": "vera", "analyst": "anna", "admin": "adam", "other": "bert"}
    for key, name in people.items():
        visitor = account(first.desk, name, "analyst" if key == "other" else key)
        client = TestClient.__new__(Desked)
        TestClient.__init__(client, first.app, base_url=TEAM, headers={"Origin": TEAM})
        client.come_in(visitor)
        found[key] = client
    yield found
    first.desk.db.dispose()


@pytest.fixture
def casebook_case(desk_client: Desked) -> str:
    """The id of the academy case, opened by the local visitor."""
    return casebook.added(desk_client.desk, desk_client.visitor, fs.read("academy"), "shipped: academy")


@pytest.fixture
def team_case(team_clients: dict[str, Desked]) -> str:
    """The id of the academy case, opened by anna, the analyst of the team."""
    anna = team_clients["analyst"]
    return casebook.added(anna.desk, anna.visitor, fs.read("academy"), "shipped: academy")
