"""One run, six ways to its numbers: Python, the shell, the page's data, the page, the report and the workbook."""

import contextlib
import html
import io
import json
import re

import finished
import pytest
from python_calamine import CalamineWorkbook

import fieldshift as fs
from fieldshift.cli import shell
from fieldshift.results.report_words import band, human, scaled

pytestmark = pytest.mark.slow

DRAWS, SEED = 24, 7
WORDS = ("policy", "measure", "of", "when")
NUMBERS = ("mean", "low", "middle", "high")


@pytest.fixture(scope="module")
def scenario():
    return fs.overlaid(fs.read("academy"), finished.SHORT)


@pytest.fixture(scope="module")
def result(scenario):
    return fs.simulate(scenario, draws=DRAWS, seed=SEED, processes=True)


@pytest.fixture(scope="module")
def told(result):
    """What Python tells, as JSON has it."""
    return json.loads(json.dumps(fs.told(result)))


@pytest.fixture
def run(desk_client, scenario, result):
    return finished.put(desk_client, finished.short_case(desk_client), result, draws=DRAWS, seed=SEED)


def test_the_shell(scenario, told, tmp_path):
    fs.write(scenario, tmp_path / "case.yaml")
    words = ["run", str(tmp_path / "case.yaml"), "--no-plan", "--draws", str(DRAWS), "--seed", str(SEED)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        shell.main([*words, "-o", str(tmp_path / "out"), "--json", "-q"], standalone_mode=False)
    said = json.loads(out.getvalue())
    assert {name: said[name] for name in told} == told
    assert json.loads(json.dumps(fs.told(fs.load(tmp_path / "out" / "run")))) == told


def test_the_page_as_data_and_as_a_file(desk_client, run, told):
    shown = desk_client.get(f"/runs/{run}.json").json()["result"]
    assert shown["told"] == told
    assert desk_client.get(f"/runs/{run}/download/numbers.json").json() == told
    series = {(s["policy"], s["measure"], s["of"]): s for s in shown["series"]}
    for row in told["outlooks"]:
        one = series[row["policy"], row["measure"], row["of"]]
        at = one["dates"].index(row["date"])
        assert [one[name][at] for name in NUMBERS] == [row[name] for name in NUMBERS]


def test_the_page_and_the_report(desk_client, run, told):
    page = desk_client.get(f"/runs/{run}").text
    report = desk_client.get(f"/runs/{run}/download/report.html").text
    for text in (page, report):
        section = re.search(r'<section id="headline".*?</section>', text, re.DOTALL).group(0)
        cells = re.findall(r"<td[^>]*>(.*?)</td>", section)
        words = [html.unescape(re.sub(r"<[^>]*>", " ", cell)).split() for cell in cells]
        shown = {" ".join(cell) for cell in words}
        for row in told["outlooks"]:
            low, middle, high = (scaled(row["unit"]) * row[name] for name in NUMBERS[1:])
            said = human(middle) if low == high == middle else f"{human(middle)} {band(low, high, words=False)}"
            assert {said, human(middle)} & shown, (row, sorted(shown))
    cells = [
        re.findall(r"<td[^>]*>.*?</td>", text.partition("<section")[2].partition("<script")[0])
        for text in (page, report)
    ]
    assert len(cells[1]) > 500
    assert cells[0] == cells[1]


def test_the_workbook(desk_client, run, told, result):
    data = desk_client.get(f"/runs/{run}/download/results.xlsx").content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_name("Headlines").to_python()
    top = next(i for i, row in enumerate(rows) if "Median" in row)
    heads = rows[top]
    places = [heads.index(name) for name in ("Mean", "10 %", "Median", "90 %")]
    found = [tuple(row[p] for p in places) for row in rows[top + 1 :] if isinstance(row[places[0]], float | int)]
    assert len(found) == len(told["outlooks"])
    assert sorted(found) == sorted(tuple(row[name] for name in NUMBERS) for row in told["outlooks"])


def test_the_comparison(desk_client, run, told, tmp_path, result):
    shown = desk_client.get("/compare.json", params={"run": [run]}).json()["differences"][""]
    fs.save(result, tmp_path / "run")
    with contextlib.redirect_stdout(io.StringIO()) as out:
        shell.main(["compare", str(tmp_path / "run"), "--json", "-q"], standalone_mode=False)
    assert json.loads(out.getvalue())["differences"] == shown
    changes = {tuple(row[w] for w in WORDS): row for row in told["changes"]}
    for row in shown:
        if row["difference"]:
            one = changes[tuple(row[w] for w in WORDS)]
            assert row["difference"]["mean"] == pytest.approx(one["mean"], abs=1e-5)
