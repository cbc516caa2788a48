"""The verb `explore`, as a person types it."""

import json

import pytest

import fieldshift as fs
from fieldshift.cli import main

FEW = ["--points", "10", "--futures", "2", "--quick", "--workers", "1"]


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(words)
    return left.value.code, *capsys.readouterr()


def test_json_is_the_exploration(capsys):
    code, out, _ = run(capsys, "explore", "academy", *FEW, "--json", "-q")
    data = json.loads(out)
    assert code == 0
    assert data == json.loads(fs.explore(fs.read("academy"), points=10, futures=2, ends=False, levers=False).as_json())


def test_words_say_what_drives_it_and_a_page_is_written(capsys, tmp_path):
    out = tmp_path / "out"
    code, said, _ = run(capsys, "explore", "academy", *FEW, "--measure", "field", "-o", str(out))
    assert code == 0
    assert "What drives “" in said
    assert "what each policy misses of the best" in said
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "What drives the answer" in page
    assert "Sudret 2008" in page
    assert json.loads((out / "exploration.json").read_text(encoding="utf-8"))["aims"][0]["name"] == "field on average"
    assert len(list((out / "points").glob("*.npz"))) == 10


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--goal", "9"), "there is no goal 9: the case has 3"),
        (("--goal", "1", "--measure", "field"), "exclude each other"),
        (("--policy", "stey"), "no policy named 'stey'"),
        (("--measure", "filed"), "there is no measure 'filed'"),
    ],
)
def test_what_cannot_be_asked_is_refused(capsys, words, says):
    code, _, err = run(capsys, "explore", "academy", *FEW, *words)
    assert code == 2
    assert says in err


def test_a_folder_of_something_else_is_left_alone(capsys, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    code, _, err = run(capsys, "explore", "academy", *FEW, "-o", str(tmp_path))
    assert code == 2
    assert "is no exploration" in err
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]
