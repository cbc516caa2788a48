"""The shell as the people at it meet it: every verb, what it says, where, and with which exit code."""

import contextlib
import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

import fieldshift as fs
from fieldshift.cli import main, shell
from fieldshift.cli.figures import signed
from fieldshift.cli.talk import Talk, table
from fieldshift.errors import NoPlan

VERBS = list(shell.commands)
FEW = ["--draws", "8", "--groups", "1", "--engine", "reference", "--workers", "1"]
SHORT = ["--set", "horizon.periods=40"]


@dataclass
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self):
        return json.loads(self.out)


def say(*args):
    """Run the shell in this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as leaving,
    ):
        main([str(arg) for arg in args])
    said = Said(leaving.value.code, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.err
    assert "\x1b" not in said.out + said.err
    assert "\r" not in said.err
    return said


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The tutorial, run once: what was said, and where it is."""
    out = tmp_path_factory.mktemp("cli") / "out"
    return say("run", "academy", "-o", out, *SHORT, *FEW), out


@pytest.fixture
def case(tmp_path):
    folder = tmp_path / "case"
    assert say("new", folder, "-q").code == 0
    return folder


# ---------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_has_help(verb):
    said = say(verb, "--help")
    assert said.code == 0
    assert said.out.startswith(f"Usage: fieldshift {verb} ")
    if verb != "serve":  # it has no answer that a program could read, and what it says is the way in
        assert "--json" in said.out
        assert "--quiet" in said.out


def test_help_lists_all_verbs_in_order():
    said = say("--help")
    places = [re.search(rf"^  {verb} +[A-Z]", said.out, re.MULTILINE).start() for verb in VERBS]
    assert places == sorted(places)


def test_version():
    assert say("--version").out == f"fieldshift {fs.__version__}\n"


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["shwo", "academy"], "show"),
        (["show", "academy", "stokcs"], "stocks"),
        (["run", "academy"], "-o"),
        (["simulate", "academy", "-o", "x", "--draws", "0"], "--draws"),
        (["export", "x", "-o", "y", "--suppress", "1"], "--suppress"),
    ],
)
def test_bad_usage_is_two_and_says_what_would_be_right(args, hint):
    said = say(*args)
    assert said.code == 2
    assert said.out == ""
    assert hint in said.err


def test_the_shell_starts_light():
    heavy = {"duckdb", "highspy", "numba", "numpy", "pandas", "pydantic", "scipy", "yaml", "jinja2"}
    code = (
        "import sys\nfrom fieldshift.cli import main\n"
        f"try: main(['--help'])\nexcept SystemExit: print(sorted({heavy!r} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


# --------------------------------------------------------------------------------------- new, cases


def test_new_makes_a_case_that_passes_its_check(case):
    assert (case / "scenario.yaml").is_file()
    said = say("check", case)
    assert said.code == 0
    assert "no problems; " in said.out


def test_new_says_what_comes_next(tmp_path):
    said = say("new", tmp_path / "mine")
    assert f"fieldshift run {tmp_path / 'mine'} -o" in said.err
    assert "scenario.yaml" in said.out


def test_new_never_overwrites(case):
    (case / "scenario.yaml").write_text("mine", encoding="utf-8")
    said = say("new", case)
    assert said.code == 2
    assert "not empty" in said.err
    assert (case / "scenario.yaml").read_text(encoding="utf-8") == "mine"


def test_new_from_a_folder_takes_its_tables_along(case, tmp_path):
    said = say("new", tmp_path / "copy", "--from", case, "--json")
    assert said.data["files"] == sorted(p.name for p in case.iterdir())


def test_new_from_nowhere(tmp_path):
    said = say("new", tmp_path / "mine", "--from", "acadmy")
    assert said.code == 2
    assert "academy" in said.err
    assert list(tmp_path.iterdir()) == []


def test_cases_are_listed():
    assert [row["name"] for row in say("cases", "--json").data] == list(fs.cases())
    assert "academy" in say("cases").out


# ------------------------------------------------------------------------------------- check, show


def test_check_tells_all_problems_with_their_places(case):
    file = case / "scenario.yaml"
    text = file.read_text(encoding="utf-8")
    text = text.replace("duty: desk", "dutty: desk").replace("start: 150 person", "start: many person")
    file.write_text(text, encoding="utf-8")
    said = say("check", case)
    assert said.code == 2
    places = re.findall(rf"^{re.escape(str(file))}:\d+:\d+: ", said.err, re.MULTILINE)
    assert len(places) >= 1
    assert "dutty" in said.err
    assert "duty" in said.err.replace("dutty", "")
    assert "error" in said.out
    rows = say("check", case, "--json")
    assert rows.code == 2
    assert [row["level"] for row in rows.data].count("error") == len(places)
    assert set(rows.data[0]) == {"level", "where", "path", "what", "hint"}


@pytest.mark.parametrize("verb", [["run", "-o", "out"], ["simulate", "-o", "out"], ["compare"], ["show"]])
def test_a_bad_case_stops_every_verb_the_same_way(verb, case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (case / "scenario.yaml").write_text("name: x\nhorizont: {periods: 3}\n", encoding="utf-8")
    more = ["stocks"] if verb == ["show"] else []
    said = say(verb[0], case, *more, *verb[1:])
    assert said.code == 2
    assert "horizon" in said.err
    assert said.out == ""
    assert not (tmp_path / "out").exists()


def test_set_and_with_change_the_case(case, tmp_path):
    over = tmp_path / "over.yaml"
    over.write_text("resources: {academy_seats: {cap: 30 seat}}\n", encoding="utf-8")
    limits = {row["name"]: row["cap"] for row in say("show", case, "limits", "--json").data if "cap" in row}
    both = say("show", case, "limits", "--json", "--with", over, "--set", "resources.retrain_seats.cap=9")
    changed = {row["name"]: row["cap"] for row in both.data if "cap" in row}
    assert {n: c for n, c in changed.items() if limits[n] != c} == {
        "academy_seats": 30.0,
        "retrain_seats": 9.0,
    }


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (["--set", "resources.acadmy_seats.cap=3"], "academy_seats"),
        (["--set", "resources"], "path=value"),
        (["--with", "nowhere.yaml"], "nowhere.yaml"),
    ],
)
def test_a_change_that_leads_nowhere(args, hint):
    said = say("check", "academy", *args)
    assert said.code == 2
    assert hint in said.err


@pytest.mark.parametrize("what", ["stocks", "arcs", "order", "equations", "limits", "policies", "needs"])
def test_show_in_words_and_as_data(what):
    words, data = say("show", "academy", what), say("show", "academy", what, "--json").data
    assert words.code == 0
    assert data
    assert all(str(row["name"]) in words.out for row in data)


# ----------------------------------------------------------------------------------- run, simulate


def test_run_writes_a_run_and_a_report_and_says_where(ran):
    said, out = ran
    assert said.code == 0, said.err
    assert sorted(p.name for p in out.iterdir()) == ["report.html", "run"]
    assert (out / "report.html").read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html")
    assert str(out / "report.html") in said.out
    assert "What bound first" in said.out
    assert "Done in" in said.err


def test_the_table_and_the_data_are_the_same_numbers(ran, tmp_path):
    said, _ = ran
    data = say("run", "academy", "-o", tmp_path / "out", "--json", *SHORT, *FEW).data
    for row in data["outlooks"]:
        assert row["title"] in said.out
        assert fs.band(row) in said.out
    for row in data["bindings"]:
        assert (f"{row['title']} (" in said.out) or not row["led"]
    assert list(data["policies"].values()) == ["Stay", "Move", "Hire", "Move and hire"]
    assert data["draws"] == 8
    assert Path(data["report"]).is_file()


def test_run_replaces_what_it_wrote_and_nothing_else(ran, tmp_path):
    _, out = ran
    (tmp_path / "precious").write_text("x", encoding="utf-8")
    said = say("run", "academy", "-o", tmp_path, *FEW)
    assert said.code == 2
    assert "precious" in said.err
    assert (out / "run" / "run.json").is_file()
    again = say("run", "academy", "-o", out, *SHORT, *FEW)
    assert again.code == 0
    assert not [p for p in out.rglob("*") if p.name.startswith(".")]


def test_simulate_keeps_a_run_of_some_policies(tmp_path):
    args = ["--policy", "stay", "--policy", "move", "--json", *SHORT, *FEW]
    said = say("simulate", "academy", "-o", tmp_path / "run", *args)
    assert said.code == 0, said.err
    assert list(said.data["policies"]) == ["stay", "move"]
    assert fs.load(tmp_path / "run").policies == ("stay", "move")


def test_a_policy_that_does_not_exist(tmp_path):
    said = say("simulate", "academy", "-o", tmp_path / "run", "--policy", "mvoe", *FEW)
    assert said.code == 2
    assert "move" in said.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("verb", ["simulate", "export"])
def test_no_verb_writes_over_a_folder_of_something_else(verb, ran, tmp_path):
    (tmp_path / "thesis.txt").write_text("x", encoding="utf-8")
    given = "academy" if verb == "simulate" else ran[1] / "run"
    said = say(verb, given, "-o", tmp_path)
    assert said.code == 2
    assert "name a new folder" in said.err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_quiet_is_quiet(tmp_path):
    said = say("simulate", "academy", "-o", tmp_path / "run", "-q", "--policy", "stay", *SHORT, *FEW)
    assert said.code == 0
    assert said.err == ""
    assert said.out != ""


# ------------------------------------------------------------------------- compare, report, export


def test_compare_policies_of_a_run(ran):
    run = ran[1] / "run"
    said, data = say("compare", run), say("compare", run, "--json").data
    assert said.code == 0
    assert data["base"] == "Stay"
    assert data["paired"]
    result = fs.load(run)
    for row in data["differences"]:
        if row["side"] == "Stay":
            assert row["difference"] is None
            continue
        told = result.paired(row["policy"], "stay", row["measure"], row["of"]).loc[row["date"]]
        apart = row["difference"]
        ours = [apart[name] for name in ("mean", "low", "middle", "high")]
        assert ours == pytest.approx([told[name] for name in ("mean", "q10", "q50", "q90")])
        if row["when"] != "now":
            assert signed(apart["middle"], row["unit"]) in said.out


def test_compare_with_another_base(ran):
    assert say("compare", ran[1] / "run", "--base", "move", "--json").data["base"] == "Move"
    said = say("compare", ran[1] / "run", "--base", "nobody")
    assert said.code == 2
    assert "stay" in said.err


def test_compare_runs_on_the_same_futures(ran, tmp_path):
    more = ["--set", "resources.retrain_seats.cap=2", "--policy", "move", *SHORT, *FEW]
    assert say("simulate", "academy", "-o", tmp_path / "seats", *more).code == 0
    said = say("compare", ran[1] / "run", tmp_path / "seats", "--base", "move", "--json")
    assert said.data["paired"]
    now = [r for r in said.data["differences"] if r["side"] == "seats: Move" and r["when"] == "now"]
    assert {r["difference"]["mean"] for r in now if r["measure"] == "field"} == {0.0}


def test_compare_runs_of_different_seeds_says_unpaired(ran, tmp_path):
    assert say("simulate", "academy", "-o", tmp_path / "b", "--seed", "2", "--policy", "stay", *SHORT, *FEW).code == 0
    said = say("compare", ran[1] / "run", tmp_path / "b")
    assert said.code == 0
    assert "Unpaired: the runs differ in seed" in said.err
    data = say("compare", ran[1] / "run", tmp_path / "b", "--json").data
    assert not data["paired"]
    assert {r["difference"]["low"] for r in data["differences"] if r["difference"]} == {None}


def test_compare_a_case():
    said = say("compare", "academy", *SHORT, *FEW)
    assert said.code == 0, said.err
    assert "Difference from Stay" in said.out


def test_report_of_a_run(ran, tmp_path):
    said = say("report", ran[1] / "run", "-o", tmp_path / "pages" / "r.html", "--json")
    assert said.code == 0
    assert said.data["bytes"] == (tmp_path / "pages" / "r.html").stat().st_size
    assert [p.name for p in (tmp_path / "pages").iterdir()] == ["r.html"]


@pytest.mark.parametrize("verb", [["report", "-o", "r.html"], ["export", "-o", "tables"], ["compare", "also"]])
def test_what_is_not_a_run(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "some").mkdir()
    said = say(verb[0], "some", *verb[1:])
    assert said.code == 1
    assert "some" in said.err
    assert len(said.err.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["some"]


def test_export_tables(ran, tmp_path):
    said = say("export", ran[1] / "run", "-o", tmp_path / "t", "--suppress", "5", "--json")
    assert said.code == 0
    assert {Path(f).name for f in said.data["files"]} == {p.name for p in (tmp_path / "t").iterdir()}
    assert say("export", ran[1] / "run", "-o", tmp_path / "t").code == 0


# -------------------------------------------------------------------------------- when it goes wrong


def failing(error):
    def simulate(*args, **kwargs):
        raise error

    return simulate


def test_interrupted_before_anything_was_written(tmp_path, monkeypatch):
    monkeypatch.setattr(fs, "simulate", failing(KeyboardInterrupt()), raising=False)
    said = say("run", "academy", "-o", tmp_path / "out", *FEW)
    assert said.code == 130
    assert "Nothing was written" in said.err
    assert not (tmp_path / "out").exists()


def test_interrupted_after_the_run_was_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(fs, "report", failing(KeyboardInterrupt()), raising=False)
    said = say("run", "academy", "-o", tmp_path / "out", *SHORT, *FEW)
    assert said.code == 130
    assert f"Kept: the run {tmp_path / 'out' / 'run'}" in said.err
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["run"]


def test_no_plan_is_three(tmp_path, monkeypatch):
    monkeypatch.setattr(fs, "simulate", failing(NoPlan("needs.field and budgets.pay clash")), raising=False)
    said = say("run", "academy", "-o", tmp_path / "out", *FEW)
    assert (said.code, said.err.splitlines()[-1]) == (3, "fieldshift: needs.field and budgets.pay clash")


def test_the_unexpected_is_one_line_and_where_to_report(tmp_path, monkeypatch):
    monkeypatch.setattr(fs, "simulate", failing(ZeroDivisionError("by\nzero")), raising=False)
    said = say("run", "academy", "-o", tmp_path / "out", *FEW)
    assert said.code == 1
    assert "fieldshift: unexpected ZeroDivisionError: by zero" in said.err
    assert "FIELDSHIFT_DEBUG=1" in said.err


def test_debug_shows_the_traceback():
    code = "import fieldshift as fs\nfrom fieldshift.cli import main\nfs.cases = lambda: 1 / 0\nmain(['cases'])"
    env = os.environ | {"FIELDSHIFT_DEBUG": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert run.returncode == 1
    assert run.stderr.startswith("Traceback")


def test_a_disk_that_refuses(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    said = say("new", tmp_path / "file" / "case")
    assert said.code == 1
    assert len(said.err.splitlines()) == 1


def test_a_reader_that_leaves_early():
    code = "from fieldshift.cli import main; main(['show', 'academy', 'arcs'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        run.stdout.close()
        err = run.stderr.read()
        assert run.wait() == 0
    assert err == b""


# ------------------------------------------------------------------------------------- the terminal


def on_a_terminal(args, **env):
    """Run the shell on a terminal of its own and return what it showed."""
    master, slave = pty.openpty()
    code = "from fieldshift.cli import main; main()"
    own = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm-256color", "COLUMNS": "120"} | env
    with subprocess.Popen([sys.executable, "-c", code, *args], stdout=slave, stderr=slave, env=own) as run:
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):
            while piece := os.read(master, 65536):
                shown += piece
        assert run.wait() == 0, shown
    os.close(master)
    return shown.decode()


@pytest.mark.slow
def test_a_bar_on_a_terminal_only(tmp_path):
    args = ["simulate", "academy", *SHORT, *FEW]
    shown = on_a_terminal([*args, "-o", str(tmp_path / "a")])
    assert "\x1b[" in shown
    assert "left" in shown
    plain = on_a_terminal([*args, "-o", str(tmp_path / "b")], NO_COLOR="1")
    assert not re.search(r"\x1b\[[0-9;]*[34]\d", plain), "NO_COLOR allows no colour"
    assert "\x1b[1m" not in plain.split("What bound first")[0].split("Northmark")[-1]


def test_a_slow_start_is_explained_once(capsys, monkeypatch):
    monkeypatch.setattr("fieldshift.cli.talk.SLOW_START", 0.01)
    with Talk().progress("Simulating", "Still starting.") as step:
        for timer in threading.enumerate():
            if isinstance(timer, threading.Timer):
                timer.join(20)
        step(1, 2)
        step(2, 2)
    assert capsys.readouterr().err == "Still starting.\n"


def test_off_a_terminal_a_line_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr("fieldshift.cli.talk.PLAIN_EVERY", 0.0)
    with Talk().progress("Simulating") as step:
        step(1, 4)
        step(4, 4)
    assert re.fullmatch(r"Simulating: 25 %, about \d\.\d s left\n", capsys.readouterr().err)


# ------------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (150.0, "person", "150"),
        (149.6, "person", "150"),
        (12.34, "person", "12"),
        (1.25, "person", "1.2"),
        (1234567.0, "case", "1,234,567"),
        (12345678.0, "case", "12.3 m"),
        (15.5e6, "USD", "15.5 m"),
        (0.943, "1", "94.3 %"),
        (0.0, "person", "0"),
        (-0.0, "person", "0"),
    ],
)
def test_numbers_are_said_for_a_reader(value, unit, text):
    assert fs.figure(value, unit) == text


@pytest.mark.parametrize(("value", "text"), [(12.0, "+12"), (-3.25, "-3.2"), (0.0, "0"), (-0.01, "0.0")])
def test_differences_have_their_sign(value, text):
    assert signed(value, "person") == text


def test_a_table_keeps_its_columns():
    text = table(["", "now", "then"], [["Field"], ["Stay", "150", "9"], ["Move and hire", "1,500", "10"]])
    lines = re.sub(r"\x1b\[\d+m", "", text).splitlines()
    assert lines[1] == "Field"
    assert len({len(line) for line in (lines[0], *lines[2:])}) == 1
