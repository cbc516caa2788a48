"""The verbs about the past, as a user types them."""

import json
from pathlib import Path

import numpy as np
import pytest

import fieldshift as fs
from fieldshift.cli import main


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng, stock, lines = np.random.default_rng(3), 2000, ["org,month,headcount,hires,quit,retirement"]
    for t in range(30):
        new, gone, retired = rng.poisson(25), rng.poisson(0.009 * stock), rng.poisson(0.003 * stock)
        stock += new - gone - retired
        lines.append(f"North,{2022 + t // 12}-{t % 12 + 1:02d},{stock},{new},{gone},{retired}")
    lines[20] = lines[20].replace("North,2023-08,", "North,2023-08,9", 1)
    (tmp_path / "north.csv").write_text("\n".join(lines) + "\n")
    return "north.csv"


def run(capsys, *words, code=0):
    with pytest.raises(SystemExit) as left:
        main(list(words))
    out, err = capsys.readouterr()
    assert left.value.code == code, out + err
    return out, err


def test_import_check_lists_every_residual_and_leaves_with_0(table, capsys):
    out, _ = run(capsys, "import-check", table)
    assert "2023-08" in out
    assert "North: 2 of 29 periods do not balance" in out
    data = json.loads(run(capsys, "import-check", table, "--json")[0])
    assert len(data["residuals"]) == 30
    assert sum(abs(row["residual"] or 0) >= 0.5 for row in data["residuals"]) == 2


def test_import_check_of_something_else(capsys):
    _, err = run(capsys, "import-check", "academy", code=2)
    assert "not a .csv table" in err


def test_a_bad_table_is_exit_2_with_all_its_problems(tmp_path, capsys):
    file = tmp_path / "bad.csv"
    file.write_text("org,month,headcount\nA,soon,1\nA,2025-01,-1\n")
    _, err = run(capsys, "import-check", str(file), code=2)
    assert "bad.csv:2:2" in err
    assert "bad.csv:3:3" in err
    assert "2 errors" in err


@pytest.mark.slow
def test_calibrate_writes_a_case_that_runs(table, capsys):
    out, _ = run(capsys, "calibrate", table, "--until", "2023-06", "-o", "fitted")
    assert "quit, early" in out
    data = json.loads(run(capsys, "calibrate", table, "--until", "2023-06", "-o", "fitted", "--json")[0])
    assert data["until"] == "2023-06-30"
    assert data["digest"] == fs.read_history(table).digest
    run(capsys, "check", "fitted/case", "--with", "fitted/calibration.yaml")


def test_nothing_else_is_written_over(table, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep")
    _, err = run(capsys, "calibrate", table, "-o", "mine", code=2)
    assert "holds other things" in err


@pytest.mark.slow
def test_backtest_of_a_table(table, capsys):
    words = ["backtest", table, "--origin", "2023-02,2023-03", "--horizon", "6", "--given", "hires", "--draws", "100"]
    out, _ = run(capsys, *words, "-o", "tested")
    assert "as if on 2023-02-28" in out
    data = json.loads(run(capsys, *words, "--json")[0])
    assert [row["origin"] for row in data["scores"]] == ["2023-02-28", "2023-03-31"]
    assert data["says"] in out
    assert data["says"].split(";")[0] in Path("tested/report.html").read_text(encoding="utf-8")
    assert Path("tested/scores.csv").read_text(encoding="utf-8").splitlines()[0].startswith("origin,org,count,mape")


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--origin", "soon"], "no date"),
        (["--origin", "2023-02", "--horizon", "a year"], "a number of its periods"),
        (["--origin", "2023-02", "--given", "leavers"], "only hires can be given"),
        (["--origin", "2020-02"], "nothing can be tested"),
    ],
)
def test_wrong_words_are_exit_2(table, capsys, more, told):
    _, err = run(capsys, "backtest", table, *more, code=2)
    assert told in err


def test_options_of_a_table_do_not_fit_a_case(capsys):
    _, err = run(capsys, "calibrate", "academy", "--stock", "x", code=2)
    assert "are for a .csv table" in err


def test_changes_are_for_a_case(table, capsys):
    assert "for a case" in run(capsys, "import-check", table, "--set", "a=1", code=2)[1]
    assert "nobody" in run(capsys, "calibrate", "academy", "--set", "stocks.nobody=1", code=2)[1]
