"""A version goes out as a workbook, is changed, and comes back as the next version of its case."""

import fieldshift as fs
from fieldshift.web import casebook


def changed(client, case, tmp_path, **values):
    """Return the newest version's workbook as somebody would send it back."""
    out = tmp_path / "out.xlsx"
    out.write_bytes(client.get(f"/cases/{case}/download/xlsx").content)
    sent = fs.write(fs.overlaid(fs.read(out), {key.replace("__", "."): value for key, value in values.items()}), out)
    return {"file": ("mine.xlsx", sent.read_bytes())}


def test_a_workbook_comes_back_as_the_next_version(team_clients, team_case, tmp_path):
    anna, url = team_clients["analyst"], f"/cases/{team_case}"
    bert = team_clients["other"]
    bert.post(f"{url}/changes.json", json={"texts": {"flows.leave.kind": "left"}})
    file = changed(anna, team_case, tmp_path, stocks__field__funded="200 post")
    assert team_clients["viewer"].post(f"{url}/upload.json", files=file).status_code == 403
    assert anna.post(f"{url}/upload", files=file, follow_redirects=False).status_code == 303
    newest = casebook.history_of(anna.desk, team_case)[0]
    assert (newest.number, newest.note, newest.author) == (2, "From mine.xlsx", "anna")
    told = anna.get(f"{url}/diff.json").json()["differences"]
    assert [(one["path"], one["new"]) for one in told] == [("stocks.field.funded.value", "200 post")]
    assert bert.get(f"{url}/side.json").json()["overtaken"]["newest"] == 2
    assert anna.post(f"{url}/upload.json", files=file).json() == {"version": 2, "saved": False}
    assert "says the same as version 2" in anna.post(f"{url}/upload", files=file).text
    assert len(casebook.history_of(anna.desk, team_case)) == 2


def test_a_broken_workbook_is_told_by_cell_and_not_saved(desk_client, casebook_case, tmp_path):
    file = changed(desk_client, casebook_case, tmp_path, choices__retrain__head="feild")
    answer = desk_client.post(f"/cases/{casebook_case}/upload", files=file)
    assert answer.status_code == 422
    assert "choices!" in answer.text
    assert len(casebook.history_of(desk_client.desk, casebook_case)) == 1
