"""A desk on a real PostgreSQL server: its tables, its casebook and its people, its workers; and no password in a log."""

import inspect
import logging
import os
import subprocess
import sys
import time
import types
from importlib import resources

import pytest
import test_accounts
import test_casebook
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from desked import LOCAL, Desked
from sqlalchemy import inspect as looked_at
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from stores import BOTH, PASSWORD, QUOTED, database, desk_on, settings_on

import fieldshift as fs
from fieldshift.web import accounts, casebook, jobs
from fieldshift.web.doors import Visitor
from fieldshift.web.settings import Settings
from fieldshift.web.store.database import opened, up_to_date
from fieldshift.web.store.tables import cases, metadata, runs
from fieldshift.web.supervisor import Supervisor

ANN = Visitor(1, "ann", "analyst")


# ------------------------------------------------------------------------------------------- tables


@pytest.fixture(params=BOTH)
def empty(request, tmp_path):
    with settings_on(request.param, tmp_path / "store") as settings:
        db = opened(settings.url)
        yield db
        db.dispose()


def newest():
    with resources.as_file(resources.files("fieldshift.web.store") / "migrations") as scripts:
        settings = Config()
        settings.set_main_option("script_location", str(scripts))
        return ScriptDirectory.from_config(settings).get_current_head()


def test_an_empty_database_gets_the_tables_that_the_code_knows(empty):
    assert looked_at(empty).get_table_names() == []
    up_to_date(empty)
    with empty.connect() as store:
        assert compare_metadata(MigrationContext.configure(store, opts={"compare_type": True}), metadata) == []
        assert store.scalar(text("select version_num from alembic_version")) == newest()
    assert set(looked_at(empty).get_table_names()) == {*metadata.tables, "alembic_version"}


def test_bringing_it_up_to_date_once_more_keeps_what_is_in_it(empty):
    up_to_date(empty)
    row = {"name": "x", "origin": "y", "owner": "z", "created": 1.0, "changed": 1.0, "gone": False}
    with empty.begin() as store:
        store.execute(cases.insert().values(id="abc", **row))
    up_to_date(empty)
    with empty.connect() as store:
        assert store.execute(select(cases)).mappings().one() == {"id": "abc", **row}


def test_two_servers_may_start_at_once_on_an_empty_database(empty):
    """Nothing fails: one of them makes the tables, and the other waits for it."""
    code = (
        "import sys\nfrom fieldshift.web.store.database import opened, up_to_date\n"
        "db = opened(input())\nprint('ready', flush=True)\ninput()\nup_to_date(db)\n"
    )
    ends = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen([sys.executable, "-c", code], **ends) for _ in range(2)]
    for process in both:
        process.stdin.write(empty.url.render_as_string(hide_password=False) + "\n")
        process.stdin.flush()
    for process in both:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in both:
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    with empty.connect() as store:
        assert compare_metadata(MigrationContext.configure(store), metadata) == []


# ------------------------------------------------------------------- the casebook and people, once more


@pytest.fixture
def served(monkeypatch):
    """An empty PostgreSQL database that every desk of the test opens."""
    with database() as url:
        monkeypatch.setenv("FIELDSHIFT_DATABASE_URL", url)
        yield url


def _again(module):
    """Take over the tests and fixtures of another module: here they stand on PostgreSQL.

    Tests of two desks beside each other are left out, since there is one database for each test.
    """
    marks = [pytest.mark.postgres, pytest.mark.usefixtures("served")]
    for name, value in vars(module).items():
        if isinstance(value, types.FunctionType) and name.startswith("test_"):
            if {"outside", "team_clients"} <= set(inspect.signature(value).parameters):
                continue
            copy = types.FunctionType(value.__code__, vars(module), name, value.__defaults__, value.__closure__)
            copy.__dict__.update(value.__dict__)
            copy.pytestmark = [*getattr(value, "pytestmark", []), *marks]
            globals()[f"{module.__name__}_{name.removeprefix('test_')}"] = copy
        elif type(value).__name__ == "FixtureFunctionDefinition":
            globals().setdefault(name, value)


_again(test_casebook)
_again(test_accounts)


# ------------------------------------------------------------------------------------------- a desk


@pytest.mark.postgres
@pytest.mark.slow
def test_two_workers_do_the_queue_and_never_the_same_run(tmp_path, capfd):
    with desk_on("postgresql", tmp_path / "store", workers=2) as desk:
        case = casebook.added(desk, ANN, fs.read("academy"), "shipped: academy")
        put = [jobs.queued(desk, "ann", jobs.Order(case, 1, "simulate", _asked(seed))) for seed in range(5)]
        crew = Supervisor(desk.settings)
        crew.start()
        try:
            end = time.monotonic() + 300
            while any(not jobs.get(desk, run).over for run in put) and time.monotonic() < end:
                time.sleep(0.1)
            arguments = [_arguments(pid) for pid in crew.pids]
        finally:
            crew.stop()
        found = [jobs.get(desk, run) for run in put]
        assert [(run.state, run.attempts, run.message) for run in found] == [("done", 1, "")] * 5
        for run in found:
            mine = fs.told(fs.simulate(fs.read("academy"), ["stay"], 10, run.asked["seed"]))
            assert run.told["outlooks"] == mine["outlooks"]
        assert len(arguments) == 2
        for line in arguments:
            assert b"fieldshift.web.worker" in line
            assert PASSWORD.encode() not in line
            assert QUOTED.encode() not in line
    said = capfd.readouterr()
    assert PASSWORD not in said.out + said.err
    assert QUOTED not in said.out + said.err


def _asked(seed):
    return {"policies": ["stay"], "draws": 10, "seed": seed}


def _arguments(pid):
    return subprocess.run(["ps", "-o", "args=", "-ww", "-p", str(pid)], capture_output=True, check=True).stdout


@pytest.mark.postgres
def test_pages_of_a_desk_on_postgresql(served, tmp_path):
    with Desked(Settings(store=tmp_path / "store", workers=0), LOCAL) as client:
        assert client.desk.settings.kind == "postgresql"
        with client.desk.db.begin() as store:
            user = accounts.local(store, client.desk)
        client.come_in(Visitor(user, accounts.LOCAL, "admin"))
        case = casebook.added(client.desk, client.visitor, fs.read("academy"), "shipped: academy")
        asked = client.post(f"/cases/{case}/runs.json", json={"draws": 5, "title": "Ωmega “quoted” 数"})
        assert asked.status_code == 201, asked.text
        run = asked.json()["id"]
        for path in ("/cases", f"/cases/{case}", f"/cases/{case}/run", "/runs", f"/runs/{run}", "/audit"):
            assert client.get(path).status_code == 200, path
        assert client.get(f"/runs/{run}.json").json()["run"]["title"] == "Ωmega “quoted” 数"
        for path in ("/runs.json?author=a%00b", "/runs/%00.json", "/cases/%00.json", "/audit.json?who=a%00b"):
            assert client.get(path).status_code in (404, 422), path
        assert client.post(f"/cases/{case}/runs.json", json={"title": "a\x00b"}).status_code == 422
        with client.desk.db.connect() as store:
            assert [row.id for row in store.execute(select(runs.c.id))] == [run]
        client.desk.db.dispose()
    assert not list((tmp_path / "store").glob("*.sqlite*"))


@pytest.mark.postgres
def test_a_wrong_password_is_told_without_it(tmp_path, caplog):
    with database() as url, caplog.at_level(logging.DEBUG):
        wrong = Settings(tmp_path, url.replace(QUOTED, "another-word"))
        with pytest.raises(OperationalError) as error:
            opened(wrong.url).connect()
    assert "another-word" not in str(error.value) + caplog.text


def test_the_address_of_a_database_is_taken_from_the_surroundings_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDSHIFT_DATABASE_URL", "postgres://ann:word@db.example.org/desk")
    settings = Settings(tmp_path)
    assert settings.url == "postgresql+psycopg://ann:word@db.example.org/desk"
    assert settings.kind == "postgresql"
    monkeypatch.delenv("FIELDSHIFT_DATABASE_URL")
    assert settings.kind == "sqlite"
    assert os.fspath(tmp_path) in settings.url


def test_the_finder_says_what_is_wrong_with_a_folder_that_is_named(root, tmp_path):
    surroundings = os.environ | {"FIELDSHIFT_POSTGRES_BIN": str(tmp_path)}
    said = subprocess.run(
        [root / "tools" / "postgres.sh"], env=surroundings, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout) == (1, "")
    assert f"'{tmp_path}', which has no initdb and postgres" in said.stderr
    for name in ("initdb", "postgres"):
        (tmp_path / name).touch(0o755)
    found = subprocess.run(
        [root / "tools" / "postgres.sh"], env=surroundings, capture_output=True, text=True, check=True
    )
    assert found.stdout == f"{tmp_path}\n"
