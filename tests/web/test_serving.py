"""A real server: its link, its log, how it stops, and what it refuses before it begins."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest

import fieldshift as fs
from fieldshift.cli import main
from fieldshift.web import accounts, running
from fieldshift.web.desk import Desk
from fieldshift.web.store.database import opened

SECRET = "hunter2-the-secret"
BROKEN = """
import sys, fieldshift.web.app as app
from fastapi import APIRouter
from fieldshift.web.desk import TheDesk
from sqlalchemy import text
broken = APIRouter()
@broken.get("/enter/{word}/broken")
def fails(word: str, desk: TheDesk) -> None:
    with desk.db.begin() as store:
        store.execute(text("select nothing from nowhere where a = :secret"), {"secret": "%s"})
app.ROUTERS = (*app.ROUTERS, broken)
from fieldshift.cli import main
main(sys.argv[1:])
"""


@contextmanager
def served(store: Path, *options: str, program: str = "from fieldshift.cli import main; main()"):
    """Start `fieldshift serve` and give its process, its root and what it said so far."""
    log = store.with_suffix(".log")
    line = [sys.executable, "-c", program, "serve", "--store", str(store), "--port", "0", "--workers", "0", *options]
    with log.open("w") as out:
        process = subprocess.Popen(line, stdout=out, stderr=out)
    try:
        yield process, until(log, process)["address"], log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(log: Path, process: subprocess.Popen) -> dict[str, str]:
    """Return what a server says in its store once it can be reached."""
    said = log.with_suffix("") / "serving.json"
    for _ in range(600):
        if "Stop with Ctrl-C" in log.read_text():
            return json.loads(said.read_text())
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"it did not begin: {log.read_text()}")


def link_in(text: str) -> str:
    return re.search(r"http://\S+/(?:enter|join)/[\w-]{32}$", text, re.MULTILINE).group()


def stopped(process: subprocess.Popen, number: int) -> int:
    process.send_signal(number)
    return process.wait(timeout=60)


# ------------------------------------------------------------------------------------- a real server


@pytest.mark.slow
def test_a_local_desk_from_link_to_end(tmp_path):
    store = tmp_path / "desk"
    with served(store) as (process, root, log):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", root)
        link = link_in(log.read_text())
        assert link.startswith(root)
        with httpx.Client(timeout=60) as browser, httpx.Client(timeout=60) as other:
            assert browser.get(f"{root}/cases", follow_redirects=True).url.path == "/enter"
            first = browser.get(link)
            assert (first.status_code, first.headers["location"]) == (303, "/cases")
            assert browser.get(f"{root}/audit.json").json()["entries"][0]["who"] == "local"
            assert other.get(link).status_code == 404
            assert other.get(f"{root}/audit.json").status_code == 401
            assert other.get(f"{root}/health.json").json() == {"status": "ok", "version": fs.__version__}
            rebound = other.get(f"{root}/health.json", headers={"Host": "evil.example"})
            assert rebound.status_code == 400
            shell = [sys.executable, "-c", "from fieldshift.cli import main; main()"]
            line = [*shell, "serve", "--store", str(store), "--link"]
            again = subprocess.run(line, capture_output=True, text=True, check=True).stdout.strip()
            assert again.startswith(f"{root}/enter/")
            assert other.get(again).status_code == 303
            kept = dict(browser.cookies)
        assert stopped(process, signal.SIGINT) == 130
        assert "Kept: the desk in" in log.read_text()
        words = log.read_text().replace(link, "")
        for secret in (*kept.values(), again.rsplit("/", 1)[1], link.rsplit("/", 1)[1]):
            assert secret not in words
        assert not (store / "serving.json").exists()
    if os.name == "posix":
        assert stat.S_IMODE(store.stat().st_mode) == 0o700
        assert stat.S_IMODE((store / "desk.sqlite").stat().st_mode) == 0o600
    with served(store, "--port", root.rsplit(":", 1)[1]) as (process, there, log):
        assert there == root
        assert httpx.get(f"{root}/audit.json", cookies=kept, timeout=60).status_code == 200  # a restart keeps sessions
        assert stopped(process, signal.SIGTERM) == 0


@pytest.mark.slow
def test_no_secret_stands_in_a_log(tmp_path):
    """Not the words of links, not what was written to the database, not its address's password, whatever fails."""
    store = tmp_path / "desk"
    with served(store, "--team", program=BROKEN % SECRET) as (process, root, log):
        link = link_in(log.read_text())
        with httpx.Client(headers={"Origin": root}, timeout=60) as browser:
            assert browser.get(link).status_code == 200
            joined = browser.post(link, data={"name": "adam", "password": SECRET})
            assert joined.status_code == 303
            assert browser.post(f"{root}/enter", data={"name": "adam", "password": SECRET + "x"}).status_code == 401
            assert browser.post(f"{root}/enter.json", content=b"{" + SECRET.encode()).status_code == 422
            word = "W0rd-of_a-link-that-fails-abcdef"
            failed = browser.get(f"{root}/enter/{word}/broken")
            assert failed.status_code == 500
            assert SECRET not in failed.text
            assert "Traceback" not in failed.text
            session = dict(browser.cookies).popitem()[1]
        assert stopped(process, signal.SIGTERM) == 0
        words = log.read_text()
        assert "/enter/…/broken failed" in words
        assert "OperationalError" in words
        assert words.count(link) == 1
        words = words.replace(link, "")
        for secret in (SECRET, word, session, link.rsplit("/", 1)[1], "$argon2"):
            assert secret not in words


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="asks Linux for the children of a process")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_workers_end_with_the_server(tmp_path, number, code):
    with served(tmp_path / "desk", "--workers", "1") as (process, _, log):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert len(children) == 1
        assert stopped(process, number) == code
        assert not Path(f"/proc/{children[0]}").exists()
        assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_a_proxy_names_who_comes_in(tmp_path):
    """The peer is that of the connection, whatever the headers say about it."""
    told = {"X-Forwarded-User": "adam", "X-Forwarded-For": "10.0.0.5", "X-Forwarded-Proto": "https"}
    with served(tmp_path / "desk", "--sso-header", "X-Forwarded-User", "--proxy", "127.0.0.1") as (process, root, log):
        with httpx.Client(headers=told, timeout=60) as browser:
            assert browser.get(f"{root}/enter.json").json() == {
                "way": "proxy", "name": "adam", "then": "/cases", "wrong": "",
            }  # fmt: skip
            assert browser.get(f"{root}/audit.json").status_code == 403
            assert browser.get(link_in(log.read_text())).headers["location"] == "/people"
            assert browser.get(f"{root}/audit.json").json()["entries"][0]["did"] == "became an admin"
            assert "set-cookie" not in browser.get(f"{root}/people").headers
            assert browser.post(f"{root}/people/invite.json", json={}, headers={"Origin": root}).status_code == 400
        assert httpx.get(f"{root}/audit.json", timeout=60).status_code == 401
        assert stopped(process, signal.SIGTERM) == 0
    with served(tmp_path / "other", "--sso-header", "X-Forwarded-User", "--proxy", "10.0.0.5") as (process, root, log):
        assert httpx.get(f"{root}/enter.json", headers=told, timeout=60).status_code == 403
        assert stopped(process, signal.SIGTERM) == 0


@pytest.mark.slow
def test_garbage_on_the_wire_is_refused_quietly(tmp_path):
    with served(tmp_path / "desk") as (process, root, log):
        host, port = root.removeprefix("http://").split(":")
        for raw in (b"\0\1\2\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /enter/x HTTP/1.1\r\nHost: " + b"x" * 70_000):
            with socket.create_connection((host, int(port)), timeout=20) as wire:
                wire.sendall(raw)
                assert wire.recv(100).startswith(b"HTTP/1.1 400")
        large = b"POST /enter HTTP/1.1\r\nHost: %s:%s\r\nOrigin: %s\r\nContent-Length: 99999999999\r\n\r\n"
        with socket.create_connection((host, int(port)), timeout=20) as wire:
            wire.sendall(large % (host.encode(), port.encode(), root.encode()))
            assert wire.recv(100).startswith(b"HTTP/1.1 413")
        assert stopped(process, signal.SIGINT) == 130
        assert "Traceback" not in log.read_text()


# ------------------------------------------------------------------------------ what it refuses to do


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--host", "0.0.0.0"], "add --team"),
        (["--host", "192.0.2.1"], "add --team"),
        (["--sso-header", "X-User"], "--sso-header needs --proxy"),
        (["--sso-header", "X-User", "--proxy", "proxy.example"], "takes an IP address"),
        (["--sso-header", "X User", "--proxy", "10.0.0.5"], "not the name of a header"),
        (["--address", "desk.example.org"], "--address is such as"),
        (["--address", "https://desk.example.org/path"], "--address is such as"),
        (["--address", "ftp://desk.example.org"], "--address is such as"),
        (["--team", "--host", "no such host"], "cannot listen at no such host"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_refused(tmp_path, capsys, options, says):
    with pytest.raises(SystemExit) as left:
        main(["serve", "--store", str(tmp_path / "desk"), *options])
    assert left.value.code == 2
    assert says in capsys.readouterr().err
    assert not (tmp_path / "desk").exists()


def test_a_port_that_is_taken_is_told(tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as left:
        main(["serve", "--store", str(tmp_path / "desk"), "--port", str(taken.getsockname()[1])])
    assert left.value.code == 2
    assert "Name another with --port" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"postgresql://desk:{SECRET}@127.0.0.1:1/desk", "postgresql+psycopg://desk:***@127.0.0.1:1/desk did not open"),
        (f"not an address {SECRET}", "is not an address such as"),
        (f"oracle://desk:{SECRET}@127.0.0.1/desk", "is not an address such as"),
        (f"postgresql://desk:{SECRET}@127.0.0.1:port/desk", "is not an address such as"),
        (f"postgresql://desk:a@b/{SECRET}@127.0.0.1/desk", "are written as %40"),
    ],
)
def test_a_database_that_does_not_open_is_told_without_its_password(tmp_path, capsys, monkeypatch, url, says):
    monkeypatch.setenv("FIELDSHIFT_DATABASE_URL", url)
    for more in ([], ["--link"]):
        with pytest.raises(SystemExit) as left:
            main(["serve", "--store", str(tmp_path / "desk"), "--port", "0", *more])
        said = capsys.readouterr()
        assert left.value.code == 2
        assert says in said.err
        assert SECRET not in said.err + said.out


def test_a_plain_install_says_what_is_missing(tmp_path):
    code = "import sys; sys.modules['fastapi'] = None; from fieldshift.cli import main; main(sys.argv[1:])"
    line = [sys.executable, "-c", code, "serve", "--store", str(tmp_path / "desk")]
    run = subprocess.run(line, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "python -m pip install 'fieldshift[web]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_shell_starts_without_the_web(tmp_path):
    code = (
        "import sys, contextlib, fieldshift.cli as cli\n"
        "with contextlib.suppress(SystemExit): cli.main(['serve', '--help'])\n"
        "print(*sorted({'fastapi', 'sqlalchemy', 'uvicorn', 'argon2', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stderr.split() == []
    assert "--sso-header" in run.stdout


# ------------------------------------------------------------------------------------------- links


def desk_of(settings: fs.DeskSettings) -> Desk:
    return Desk(settings, opened(settings.url))


def test_a_new_link_for_a_desk_that_does_not_run(tmp_path, monkeypatch):
    monkeypatch.delenv("FIELDSHIFT_DATABASE_URL", raising=False)
    store = tmp_path / "desk"
    store.mkdir()
    assert re.fullmatch(r"http://127\.0\.0\.1:8311/enter/[\w-]{32}", fs.new_link(fs.DeskSettings(store)))
    settings = fs.DeskSettings(store, team=True, address="https://desk.example.org/")
    link = fs.new_link(settings, 9000)
    assert re.fullmatch(r"https://desk\.example\.org/join/[\w-]{32}", link)
    desk = desk_of(settings)
    accounts.joined(desk, link.rsplit("/", 1)[1], "adam", "a hash", None)
    desk.db.dispose()
    with pytest.raises(fs.UsageError, match="has an admin"):
        fs.new_link(settings)


def test_a_new_link_is_for_the_desk_that_runs(tmp_path, monkeypatch):
    monkeypatch.delenv("FIELDSHIFT_DATABASE_URL", raising=False)
    store = tmp_path / "desk"
    store.mkdir()
    team = fs.DeskSettings(store, team=True)
    with running._announced(team, "https://desk.example.org"):
        assert fs.new_link(fs.DeskSettings(store)).startswith("https://desk.example.org/join/")
    with running._announced(
        fs.DeskSettings(store, database="postgresql://desk@127.0.0.1/desk", team=True), "https://x"
    ):
        with pytest.raises(fs.UsageError, match="keeps its rows in postgresql: set FIELDSHIFT_DATABASE_URL"):
            fs.new_link(team)
        (store / "serving.json").write_text('{"address": "https://y", "process": 1, "team": true, "header": null, '
                                            '"database": "sqlite"}')  # fmt: skip
    assert (store / "serving.json").exists(), "that of another server is left"


def test_whoever_has_the_computer_makes_an_admin_where_a_proxy_names_people(tmp_path, monkeypatch):
    """The admins that there are may have names that the proxy does not use."""
    monkeypatch.delenv("FIELDSHIFT_DATABASE_URL", raising=False)
    store = tmp_path / "desk"
    store.mkdir()
    link = fs.new_link(fs.DeskSettings(store, team=True, address="https://desk.example.org"))
    desk = desk_of(fs.DeskSettings(store, team=True))
    accounts.joined(desk, link.rsplit("/", 1)[1], "Ada Admin", "a hash", None)
    desk.db.dispose()
    proxied = fs.DeskSettings(store, header="X-User", proxies=("127.0.0.1",), address="https://desk.example.org")
    assert fs.new_link(proxied).startswith("https://desk.example.org/enter/")


def test_a_desk_with_a_header_is_a_desk_with_accounts(tmp_path):
    assert fs.DeskSettings(tmp_path, header="X-User", proxies=("10.0.0.5",)).team


def test_the_browser_is_opened_by_a_file_that_others_cannot_read(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(running.webbrowser, "open", seen.append)
    running._open(fs.DeskSettings(tmp_path), "http://127.0.0.1:1/enter/word")
    for _ in range(100):
        if seen:
            break
        time.sleep(0.05)
    file = tmp_path / "open.html"
    assert seen == [file.as_uri()]
    assert "http://127.0.0.1:1/enter/word" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
