"""The pages of cases and of their history: what comes in and goes out, and what is told of it."""

import io
import zipfile

import pytest

import fieldshift as fs
from fieldshift.web import casebook


@pytest.fixture
def files(tmp_path):
    """Return a shipped case in each of the forms that can be sent, by name."""
    scenario, room = fs.read("academy"), tmp_path / "forms"
    folder = fs.write(scenario, room / "academy")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"academy/{file.name}")
    found = {"academy.zip": packed.getvalue()}
    for name in ("academy.yaml", "academy.xlsx"):
        found[name] = fs.write(scenario, room / name).read_bytes()
    return found


def test_shipped_cases_are_told_and_opened(desk_client):
    told = desk_client.get("/cases.json").json()
    assert [case["id"] for case in told["shipped"]] == list(fs.cases())
    assert told["own"] == []
    page = desk_client.get("/cases").text
    for case in told["shipped"]:
        assert case["name"] in page
        answer = desk_client.post("/cases.json", json={"shipped": case["id"]})
        assert answer.status_code == 201
        opened = casebook.scenario_of(desk_client.desk, answer.json()["case"], 1)
        assert fs.digest(opened) == fs.digest(fs.read(case["id"]))
    own = desk_client.get("/cases.json").json()["own"]
    assert {case["origin"] for case in own} == {f"shipped: {name}" for name in fs.cases()}
    assert desk_client.post("/cases.json", json={"shipped": "../academy"}).status_code == 404


@pytest.mark.parametrize("name", ["academy.zip", "academy.yaml", "academy.xlsx"])
def test_what_goes_out_comes_in_again(desk_client, files, name):
    """Each form is taken in, and given out as each form, and every one says the same."""
    answer = desk_client.post("/cases/upload.json", files={"file": (name, files[name])})
    assert answer.status_code == 201, answer.text
    case = answer.json()["case"]
    assert casebook.case_of(desk_client.desk, case).origin == f"uploaded: {name}"
    for form in ("zip", "xlsx", "yaml"):
        given = desk_client.get(f"/cases/{case}/download/{form}")
        assert given.status_code == 200, given.text
        assert f'filename="northmark-inspectorate-1.{form}"' in given.headers["content-disposition"]
        again = desk_client.post("/cases/upload.json", files={"file": (f"again.{form}", given.content)})
        assert again.status_code == 201, again.text
        scenario = casebook.scenario_of(desk_client.desk, again.json()["case"], 1)
        assert fs.digest(scenario) == fs.digest(fs.read("academy"))
    assert desk_client.get(f"/cases/{case}/download/exe").status_code == 422
    assert desk_client.get(f"/cases/{case}/download/yaml?version=7").status_code == 404


def test_what_is_wrong_in_an_upload_is_told_place_by_place(desk_client, files):
    text = files["academy.yaml"].decode()
    broken = text.replace("periods: 104", "periods: many").replace("tail: [desk, field]", "tale: [desk, field]")
    answer = desk_client.post("/cases/upload", files={"file": ("broken.yaml", broken.encode())})
    assert answer.status_code == 422
    assert "broken.yaml:" in answer.text
    assert "did you mean &#39;tail&#39;?" in answer.text
    told = desk_client.post("/cases/upload.json", files={"file": ("broken.yaml", broken.encode())}).json()
    assert {problem["path"] for problem in told["problems"]} >= {"horizon.periods", "flows.leave"}
    assert desk_client.get("/cases.json").json()["own"] == []


def test_comments_are_said_to_be_lost_once(desk_client, files, casebook_case):
    case = desk_client.post("/cases/upload.json", files={"file": ("academy.zip", files["academy.zip"])}).json()["case"]
    assert "Comments in its YAML files were not kept" in desk_client.get(f"/cases/{case}/history").text
    assert "were not kept" not in desk_client.get(f"/cases/{casebook_case}/history").text


def test_many_cases_are_found_and_paged(desk_client):
    scenario = fs.read("academy")
    for i in range(60):
        case = casebook.added(desk_client.desk, desk_client.visitor, scenario, "test")
        casebook.name_given(desk_client.desk, desk_client.visitor, case, f"Plan {i:02} of 100 %")
    told = desk_client.get("/cases.json").json()
    assert (told["total"], told["pages"], len(told["own"])) == (60, 2, 50)
    assert len(desk_client.get("/cases.json?page=2").json()["own"]) == 10
    assert [case["name"] for case in desk_client.get("/cases.json?find=pLAN+07").json()["own"]] == ["Plan 07 of 100 %"]
    assert desk_client.get("/cases.json?find=100+%25").json()["total"] == 60, "a sign of the database is text"
    assert desk_client.get("/cases.json?find=_").json()["total"] == 0
    page = desk_client.get("/cases?find=plan&page=1").text
    assert "page=2&amp;find=plan" in page


def test_a_case_is_renamed_copied_removed_and_brought_back(desk_client, casebook_case):
    url = f"/cases/{casebook_case}"
    assert desk_client.post(f"{url}/rename.json", json={"name": " Ours "}).json()["name"] == "Ours"
    assert desk_client.post(f"{url}/rename", data={"name": "Mine"}, follow_redirects=False).status_code == 303
    copy = desk_client.post(f"{url}/duplicate.json").json()["case"]
    assert desk_client.get(f"/cases/{copy}.json").json()["side"]["case"]["name"] == "Mine (copy)"
    assert desk_client.post(f"{url}/gone.json").json()["gone"]
    for address in ("", "/history", "/diff", "/download/yaml"):
        assert desk_client.get(f"{url}{address}").status_code == 404
    names = [case["name"] for case in desk_client.get("/cases.json").json()["own"]]
    assert names == ["Mine (copy)"]
    assert [case["name"] for case in desk_client.get("/cases.json?gone=true").json()["gone"]] == ["Mine"]
    assert not desk_client.post(f"{url}/back.json").json()["gone"]
    assert desk_client.get(url).status_code == 200


def test_the_history_tells_who_saved_what(team_clients, team_case):
    anna, bert, url = team_clients["analyst"], team_clients["other"], f"/cases/{team_case}"
    for client, text, note in ((anna, "1 person", "first"), (bert, "2 person", "second")):
        client.post(f"{url}/changes.json", json={"texts": {"stocks.desk.start.value": text, "name": note}})
        client.post(f"{url}/save.json", json={"note": note})
    told = anna.get(f"{url}/history.json").json()
    assert [(one["number"], one["author"], one["note"], one["changes"]) for one in told["versions"]] == [
        (3, "bert", "second", 2),
        (2, "anna", "first", 2),
        (1, "anna", "As it came in", 0),
    ]
    told = anna.get(f"{url}/diff.json?old=1&new=3").json()
    assert [(one["title"], one["old"], one["new"]) for one in told["differences"]] == [
        ("Name", "Northmark inspectorate", "second"),
        ("Inspectors at desks: start", "100 person", "2 person"),
    ]
    assert anna.get(f"{url}/diff.json").json()["old"] == 2, "by default the newest against the one before"
    assert anna.get(f"{url}/diff.json?old=1&new=9").status_code == 404
    assert anna.post(f"{url}/restore", data={"number": 1}, follow_redirects=False).status_code == 303
    assert anna.post(f"{url}/restore.json", json={"number": 2}).json() == {"version": 5}
    page = anna.get(f"{url}/history").text
    assert "Version 1 once more" in page


def test_a_viewer_opens_and_changes_no_case(team_clients, team_case, files):
    viewer = team_clients["viewer"]
    page = viewer.get("/cases")
    assert page.status_code == 200
    assert "Take it in" not in page.text
    assert viewer.post("/cases.json", json={"shipped": "academy"}).status_code == 403
    assert viewer.post("/cases/upload.json", files={"file": ("a.zip", files["academy.zip"])}).status_code == 403
    for action in ("duplicate", "gone", "back"):
        assert viewer.post(f"/cases/{team_case}/{action}.json").status_code == 403
    assert viewer.post(f"/cases/{team_case}/rename.json", json={"name": "x"}).status_code == 403
    assert viewer.post(f"/cases/{team_case}/restore.json", json={"number": 1}).status_code == 403
    assert viewer.get(f"/cases/{team_case}/download/zip").status_code == 200


@pytest.mark.parametrize("case", ["nowhere", "%00", "..", "a" * 30, "x%2Fy"])
def test_strange_ids_are_no_cases(desk_client, case):
    for address in (".json", "/history.json", "/diff.json", "/side.json", "/download/zip"):
        assert desk_client.get(f"/cases/{case}{address}").status_code in (404, 422)
