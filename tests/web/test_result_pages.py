"""A finished run at the desk: its page, its numbers as data, what a reader chooses, its files."""

import io
import json
import math
import re
import shlex
import zipfile

import finished
import pytest

import fieldshift as fs
from fieldshift.cli import shell
from fieldshift.web import casebook, keeping, run_files

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>{{7*7}}'\"&"


@pytest.fixture(scope="module")
def result():
    return finished.simulated(fs.overlaid(fs.read("academy"), finished.SHORT))


@pytest.fixture(scope="module")
def parts(result):
    return fs.report_parts(result)


@pytest.fixture
def case(desk_client):
    return finished.short_case(desk_client)


@pytest.fixture
def run(desk_client, case, result):
    return finished.put(desk_client, case, result, title="First <try>")


def page(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, answer.text[:500]
    return answer.text


# --------------------------------------------------------------------------------------------- page


def test_the_page_has_every_section_of_the_report(desk_client, run, parts):
    text = page(desk_client, f"/runs/{run}")
    for part in parts.sections:
        assert part.html.strip() in text
        assert f'<a href="#{part.id}">' in text
    assert "First &lt;try&gt;" in text
    assert "anna" in text


def test_each_section_with_charts_brings_its_data(desk_client, run, parts):
    for part in parts.sections:
        answer = desk_client.get(f"/runs/{run}/data/{part.id}.json")
        assert answer.status_code == (200 if part.data else 404)
        if part.data:
            assert answer.text == part.data
            assert answer.headers["cache-control"].startswith("private")


@pytest.mark.parametrize("section", ["..%2Fpage", "page", "../told", "Map", "map%00", "a" * 300])
def test_no_other_file_can_be_asked_for(desk_client, run, section):
    assert desk_client.get(f"/runs/{run}/data/{section}.json").status_code in (404, 422)
    assert desk_client.get(f"/runs/{run}/download/{section}").status_code in (404, 422)


def test_nothing_on_the_page_breaks_the_policy(desk_client, run):
    text = page(desk_client, f"/runs/{run}?measure=field&policy=stay")
    bare = re.sub(r'"[^"]*"', '""', text)
    assert not re.findall(r"<[a-z][^>]*\s(?:style|on[a-z]+)=", bare)
    assert "<style" not in text
    assert all(re.match(r'<script src="/static/', tag) for tag in re.findall(r"<script[^>]*>", text))


def test_words_of_a_planner_stay_words(desk_client):
    names = {"name": HOSTILE, "about": HOSTILE, "policies.stay.title": HOSTILE, "sites.0.name": HOSTILE}
    scenario = fs.overlaid(fs.read("academy"), finished.SHORT | names)
    case = casebook.added(desk_client.desk, desk_client.visitor, scenario, f"uploaded: {HOSTILE}")
    run = finished.put(desk_client, case, finished.simulated(scenario), title=HOSTILE)
    for query in ("", "?policy=stay", "?measure=field&site=north&policy=stay", "?section=headline"):
        text = page(desk_client, f"/runs/{run}{query}")
        assert "<img src=x" not in text
        assert "window.hit=1</script>" not in text
    assert "<img" not in desk_client.get(f"/runs/{run}/chosen.json?measure=field&site=north").text
    told = page(desk_client, f"/compare?run={run}")
    assert "<img src=x" not in told


def test_a_part_of_the_page_can_be_asked_for(desk_client, run):
    text = page(desk_client, f"/runs/{run}?section=people&section=about")
    assert re.findall(r'<section id="(.*?)"', text) == ["people", "about"]


def test_chosen_policies_are_told_to_the_script(desk_client, run):
    text = page(desk_client, f"/runs/{run}?policy=hire&policy=stay")
    assert 'data-only="[&#34;Stay&#34;, &#34;Hire&#34;]"' in text
    assert "data-only" not in page(desk_client, f"/runs/{run}")


def test_chosen_measures_are_charts_by_policy_and_office(desk_client, run):
    text = page(
        desk_client, f"/runs/{run}?measure=field&measure=backlog.inspections&site=nation&site=north&policy=hire"
    )
    assert len(re.findall(r'<figure id="chosen-', text)) == 4
    source = re.search(r'data-part="(.*?)"', text).group(1).replace("&amp;", "&")
    told = desk_client.get(source).json()
    assert len(told["figures"]) == 4
    assert told["datasets"]["chosen"]["columns"]["policy"]["v"] == ["Hire"]


@pytest.mark.parametrize(
    ("query", "what"),
    [
        ("measure=nothing", "no measure 'nothing'"),
        ("policy=nobody", "no policy 'nobody'"),
        ("measure=field&site=moon", "no office 'moon'"),
        ("measure=training&site=north&measure=hiring", "of the nation only"),
        ("measure=field&measure=desk&measure=on_board&measure=fte" + "".join(f"&site={s}" for s in ("nation", "north", "east", "south")), "fewer measures"),
    ],
)  # fmt: skip
def test_what_is_not_there_cannot_be_chosen(desk_client, run, query, what):
    for address in (f"/runs/{run}", f"/runs/{run}/series.json", f"/runs/{run}/chosen.json"):
        answer = desk_client.get(f"{address}?{query}", headers={"Accept": "application/json"})
        assert answer.status_code == 400, answer.text
        assert what in answer.json()["what"] or "Choose a measure" in answer.json()["what"]


def test_a_run_that_is_not_done_has_no_data(desk_client, case):
    assert desk_client.get("/runs/nothing/data/map.json").status_code == 404
    asked = desk_client.post(f"/cases/{case}/runs.json", json={"draws": 100}).json()["id"]
    for end in ("data/map.json", "series.json?measure=field", "chosen.json?measure=field", "download/report.html"):
        assert desk_client.get(f"/runs/{asked}/{end}").status_code == 404


def test_a_viewer_sees_it_all_and_is_not_asked_to_run(team_clients, result):
    analyst, viewer = team_clients["analyst"], team_clients["viewer"]
    run = finished.put(analyst, finished.short_case(analyst), result)
    assert "Run again, changed" in page(analyst, f"/runs/{run}")
    assert "Run again, changed" not in page(viewer, f"/runs/{run}")
    assert viewer.get(f"/runs/{run}/download/report.html").status_code == 200


# ------------------------------------------------------------------------------------------- numbers


def test_the_data_of_a_run_is_what_python_tells(desk_client, run, result):
    shown = desk_client.get(f"/runs/{run}.json").json()["result"]
    assert shown["told"] == json.loads(json.dumps(fs.told(result)))
    heads = {entry.key for entry, _ in result.chosen_headlines()}
    assert {(s["measure"], s["of"]) for s in shown["series"]} == heads
    assert len(shown["series"]) == len(heads) * len(result.policies)
    for one in shown["series"]:
        stats = result.stats(one["policy"], one["measure"], one["of"]).astype(float)
        assert one["dates"] == [day.isoformat() for day in result.dates(one["measure"])]
        for name, row in (("mean", 0), ("low", 2), ("middle", 4), ("high", 6)):
            assert [x for x in one[name] if x is not None] == [x for x in stats[row].tolist() if not math.isnan(x)]


def test_series_of_an_office(desk_client, run, result):
    (one,) = desk_client.get(f"/runs/{run}/series.json?measure=field&policy=hire&site=east").json()
    assert (one["site"], one["unit"], one["title"]) == ("east", "person", "In the field")
    east = list(result.site_ids).index("east")
    assert one["middle"] == result.site_stats("hire", "field")[4, :, east].astype(float).tolist()


# --------------------------------------------------------------------------------------------- files


@pytest.mark.slow
def test_every_file_comes_as_an_attachment_under_its_name(desk_client, run):
    listed = desk_client.get(f"/runs/{run}.json").json()["result"]["files"]
    assert set(listed) == set(run_files.FILES) - {"overlay.yaml"}
    text = page(desk_client, f"/runs/{run}")
    for name in listed:
        answer = desk_client.get(f"/runs/{run}/download/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-disposition"].startswith("attachment")
        assert name in answer.headers["content-disposition"]
        assert answer.headers["content-type"] == run_files.FILES[name].kind
        assert f'href="/runs/{run}/download/{name}"' in text
        assert desk_client.get(f"/runs/{run}/download/{name}").content == answer.content


@pytest.mark.slow
def test_the_files_hold_the_run(desk_client, run, case, result, tmp_path):
    def taken(name):
        return desk_client.get(f"/runs/{run}/download/{name}").content

    with zipfile.ZipFile(io.BytesIO(taken("run.zip"))) as archive:
        archive.extractall(tmp_path)
    assert fs.load(tmp_path / "run").same(result)
    fs.export(result, tmp_path / "csv")
    with zipfile.ZipFile(io.BytesIO(taken("tables.zip"))) as archive:
        assert sorted(archive.namelist()) == sorted(p.name for p in (tmp_path / "csv").iterdir())
        for name in archive.namelist():
            assert archive.read(name) == (tmp_path / "csv" / name).read_bytes()
    with zipfile.ZipFile(io.BytesIO(taken("parquet.zip"))) as archive:
        assert "national.parquet" in archive.namelist()
    book = fs.export_workbook(result, tmp_path / "results.xlsx")
    assert taken("results.xlsx") == book.read_bytes()
    assert taken("report.html") == fs.report(result, tmp_path / "report.html").read_bytes()
    assert json.loads(taken("numbers.json")) == json.loads(json.dumps(fs.told(result)))
    assert taken("scenario.yaml").decode() == casebook.text_of(desk_client.desk, case, 1) == taken("base.yaml").decode()


def test_files_are_made_once_and_nothing_else_is_left(desk_client, run):
    folder = desk_client.desk.settings.runs / run
    desk_client.get(f"/runs/{run}/download/tables.zip")
    first = (folder / "tables.zip").stat().st_mtime_ns
    desk_client.get(f"/runs/{run}/download/tables.zip")
    assert (folder / "tables.zip").stat().st_mtime_ns == first
    assert not [p.name for p in folder.iterdir() if p.name.startswith((".", "tmp"))]


def test_a_file_that_cannot_be_made_is_told_and_why_stands_in_the_log(desk_client, run, caplog):
    folder = desk_client.desk.settings.runs / run
    (folder / "run" / "run.json").write_text("{")
    answer = desk_client.get(f"/runs/{run}/download/results.xlsx")
    assert answer.status_code == 400
    assert "could not be made" in answer.text
    assert str(folder) not in answer.text
    assert f"workbook of {run} was not made" in caplog.text
    assert not (folder / "results.xlsx").exists()


def test_a_run_whose_folder_is_gone_is_told(desk_client, run):
    folder = desk_client.desk.settings.runs / run
    for file in list(folder.rglob("*")):
        file.unlink() if file.is_file() else None
    for end in ("", ".json", "/download/report.html", "/data/map.json"):
        assert desk_client.get(f"/runs/{run}{end}").status_code == 404


@pytest.mark.slow
def test_the_command_and_the_overlay_repeat_the_run_to_the_digit(desk_client, case, tmp_path, monkeypatch):
    changes = {"resources.retrain_seats.cap": "16 seat", "policies.hire.title": "Hire 'at once'"}
    scenario = finished.changed(desk_client, case, changes)
    for policies in (None, ["hire", "stay"]):
        result = fs.simulate(scenario, policies, 12, 5, workers=1)
        asked = {"draws": 12, "seed": 5} | ({"policies": policies} if policies else {})
        run = finished.put(desk_client, case, result, version=2, **asked)
        shown = desk_client.get(f"/runs/{run}.json").json()["result"]
        assert "overlay.yaml" in shown["files"]
        place = tmp_path / run
        place.mkdir()
        monkeypatch.chdir(place)
        for name in ("base.yaml", "overlay.yaml"):
            (place / name).write_bytes(desk_client.get(f"/runs/{run}/download/{name}").content)
        words = shlex.split(shown["command"])
        assert words[0] == "fieldshift"
        shell.main([*words[1:-1], "out", "-q"], standalone_mode=False)
        folder = place / "out" if policies else place / "out" / "run"
        again = fs.load(folder)
        assert again.facts.digest == result.facts.digest
        assert json.loads(json.dumps(fs.told(again))) == shown["told"]


def test_a_command_for_what_no_overlay_says(desk_client, case, result, monkeypatch):
    finished.changed(desk_client, case, {"policies.hire.title": "Another"})
    monkeypatch.setattr(fs, "overlay_between", lambda base, changed: None, raising=False)
    run = finished.put(desk_client, case, result, version=2)
    shown = desk_client.get(f"/runs/{run}.json").json()["result"]
    assert "overlay.yaml" not in shown["files"]
    assert shlex.split(shown["command"])[2] == "scenario.yaml"


# --------------------------------------------------------------------------------------- explorations


@pytest.fixture(scope="module")
def explored():
    scenario = fs.overlaid(fs.read("academy"), finished.SHORT)
    return scenario, fs.explore(scenario, policies=["stay", "hire"], points=10, futures=2, ends=False, levers=False)


@pytest.mark.slow
def test_an_exploration_has_its_page_its_data_and_its_files(desk_client, case, explored):
    scenario, found = explored
    asked = {"points": 10, "futures": 2, "quick": True, "measure": "", "policies": ["stay", "hire"]}
    run = finished.put(desk_client, case, kind="explore", **asked)
    keeping.kept_exploration(found, scenario, desk_client.desk.settings.runs / run)
    text = page(desk_client, f"/runs/{run}")
    for part in fs.exploration_parts(found, scenario).sections:
        assert part.html.strip() in text
        if part.data:
            assert desk_client.get(f"/runs/{run}/data/{part.id}.json").text == part.data
    shown = desk_client.get(f"/runs/{run}.json").json()["result"]
    assert shown["told"] == json.loads(found.as_json())
    assert shown["series"] == []
    assert set(shown["files"]) == {"report.html", "numbers.json", "scenario.yaml", "base.yaml"}
    assert shown["command"].startswith("fieldshift explore base.yaml --policy stay --policy hire --points 10")
    assert "--quick" in shown["command"]
    assert desk_client.get(f"/runs/{run}/download/results.xlsx").status_code == 404
    assert desk_client.get(f"/compare.json?run={run}").status_code == 400
