"""`export` on the shell: CSV, a workbook, Parquet; what it refuses, and what it leaves alone."""

import contextlib
import io
import json
from pathlib import Path

import pytest
from python_calamine import CalamineWorkbook

import fieldshift as fs
from fieldshift.cli import main


def say(*args):
    """Run the shell in this process: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as leaving:
        main([str(arg) for arg in args])
    assert "Traceback" not in err.getvalue()
    return leaving.value.code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A short run of the tutorial, stored."""
    scenario = fs.overlaid(fs.read("academy"), {"horizon.periods": 16})
    result = fs.simulate(scenario, ["stay", "move"], 6, 1, groups=1, engine="reference")
    return fs.save(result, tmp_path_factory.mktemp("export") / "run")


def test_a_workbook_is_written_and_told(run, tmp_path):
    file = tmp_path / "new" / "run.xlsx"
    code, out, _ = say("export", run, "--xlsx", file, "--json")
    assert code == 0
    told = json.loads(out)
    assert told["workbook"] == str(file)
    assert told["files"] == [str(file)]
    assert (told["folder"], told["parquet"], told["suppress"]) == (None, None, None)
    assert CalamineWorkbook.from_path(file).sheet_names[:2] == ["Summary", "Charts"]
    assert [p.name for p in file.parent.iterdir()] == ["run.xlsx"]
    before = file.read_bytes()
    assert say("export", run, "--xlsx", file)[0] == 0
    assert file.read_bytes() == before


def test_all_three_forms_at_once(run, tmp_path):
    code, out, _ = say(
        "export", run, "-o", tmp_path / "csv", "--parquet", tmp_path / "pq", "--xlsx", tmp_path / "r.xlsx",
        "--suppress", "5", "--json",
    )  # fmt: skip
    assert code == 0
    told = json.loads(out)
    assert all(Path(file).is_file() for file in told["files"])
    csv, parquet = ({p.stem for p in (tmp_path / name).iterdir()} for name in ("csv", "pq"))
    assert parquet <= csv
    assert "sites" in parquet
    assert say("export", run, "--parquet", tmp_path / "pq")[0] == 0


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        ([], "-o DIR (CSV), --xlsx FILE (a workbook), --parquet DIR"),
        (["--xlsx", "run.csv"], "try 'run.xlsx'"),
        (["--xlsx", "folder.xlsx"], "is a folder"),
        (["-o", "t", "--parquet", "t"], "name two folders"),
        (["--parquet", "thesis"], "name a new folder"),
        (["--xlsx", "run.xlsx", "--suppress", "1"], "--suppress"),
    ],
)
def test_bad_usage_is_two_and_writes_nothing(run, args, hint, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.xlsx").mkdir()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "one.txt").write_text("x", encoding="utf-8")
    code, out, err = say("export", run, *args)
    assert (code, out) == (2, "")
    assert hint in err
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == [
        "folder.xlsx", "thesis", "thesis/one.txt"
    ]  # fmt: skip
