"""Uploads: what comes in whole, what is refused and in which words, and that nothing leaves its place."""

import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fieldshift as fs
from fieldshift.web.settings import Limits
from fieldshift.web.uploads import taken_in

LIMITS = Limits()
SMALL = Limits(upload=200_000, expanded=300_000, entries=20)
BAD_SCENARIO = b"name: Test\nflowz: {}\n"


def taken(name: str, raw: bytes, limits: Limits = LIMITS) -> fs.Scenario:
    return taken_in(limits, name, io.BytesIO(raw))


def problems(name: str, raw: bytes, limits: Limits = LIMITS) -> list[fs.Problem]:
    with pytest.raises(fs.ScenarioError) as refused:
        taken(name, raw, limits)
    return list(refused.value.problems)


def zipped(files: dict[str | zipfile.ZipInfo, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content, how)
    return out.getvalue()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> dict[str, bytes]:
    """The files of a case with tables, by name: the tutorial as it ships, and a page of sources."""
    case = Path(fs.__file__).parent / "cases" / "academy"
    files = {p.relative_to(case).as_posix(): p.read_bytes() for p in sorted(case.rglob("*")) if p.is_file()}
    return files | {"SOURCES.md": b"# Sources\n", "notes/more.txt": b"more"}


@pytest.fixture(scope="session")
def workbook(tmp_path_factory) -> bytes:
    file = tmp_path_factory.mktemp("workbook") / "academy.xlsx"
    fs.write(fs.read("academy"), file)
    return file.read_bytes()


@pytest.fixture
def places(tmp_path, monkeypatch):
    """The only folders in which anything may be written for a moment; both are looked at afterwards."""
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    monkeypatch.chdir(tmp_path)
    yield
    assert [p for p in tmp_path.rglob("*") if p != room] == []


# ------------------------------------------------------------------------------ what comes in whole


@pytest.mark.parametrize("top", ["", "academy/", "My case/"])
def test_a_zip_of_a_folder_is_the_folder(folder, places, top):
    raw = zipped({top + name: content for name, content in folder.items()})
    assert fs.digest(taken("case.zip", raw)) == fs.digest(fs.read("academy"))


def test_what_systems_leave_in_archives_is_passed_over(folder, places):
    litter = {"__MACOSX/case/._scenario.yaml": b"\0\1", "case/.DS_Store": b"\0", "case/Thumbs.db": b"\0"}
    raw = zipped({"case/" + name: content for name, content in folder.items()} | litter)
    assert fs.digest(taken("case.zip", raw)) == fs.digest(fs.read("academy"))


def test_a_workbook_is_its_case(workbook, places):
    assert fs.digest(taken("academy.xlsx", workbook)) == fs.digest(fs.read("academy"))


def test_a_yaml_file_is_its_case(places, tmp_path_factory):
    file = fs.write(fs.read("academy"), tmp_path_factory.mktemp("yaml") / "one.yaml")
    assert fs.digest(taken("C:\\cases\\one.yaml", file.read_bytes())) == fs.digest(fs.read("academy"))


# ------------------------------------------------------------------------- problems and their places


def test_problems_are_told_at_their_place_in_the_zip(places):
    for top in ("", "case/"):
        found = problems("case.zip", zipped({top + "scenario.yaml": BAD_SCENARIO}))
        assert any(p.where == "scenario.yaml:2:1" and "flowz" in p.path + p.what for p in found)
        assert not any("fieldshift-" in str(p) or tempfile.gettempdir() in str(p) for p in found)


def test_problems_of_a_table_are_told_at_its_line(folder, places):
    broken = dict(folder)
    lines = folder["sites.csv"].count(b"\n")
    broken["sites.csv"] = folder["sites.csv"] + b"what,is,this\xff\n"
    found = problems("case.zip", zipped(broken))
    assert any(p.where.startswith(f"sites.csv:{lines + 1}:") for p in found)


def test_problems_of_a_yaml_file_bear_its_own_name(places):
    assert problems("plan B.yaml", BAD_SCENARIO)[0].where.startswith("plan B.yaml:")


def test_problems_of_a_workbook_name_the_cell(workbook, places, tmp_path_factory):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        raw = zipped({name: book.read(name).replace(b">32 hour/week<", b">32 hous/week<") for name in book.namelist()})
    found = problems("academy.xlsx", raw)
    assert any(p.where.startswith("stocks!") and "hous" in p.what for p in found)
    assert not any("fieldshift-" in str(p) or tempfile.gettempdir() in str(p) for p in found)


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("a.pdf", b"%PDF-1.7", "not a case"),
        ("a.zip", b"no zip at all", "not a zip archive"),
        ("a.xlsx", b"no workbook at all", "not an Excel workbook"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or a locked workbook"),
        ("", b"", "is empty"),
        ("a.yaml", b"\xff\xfe\0\0", "not UTF-8"),
        ("a.zip", zipped({}), "there is no scenario"),
        ("a.zip", zipped({"README.md": b"# hello"}), "there is no scenario"),
    ],
)
def test_what_is_no_case_is_refused_in_words(name, raw, says, places):
    assert says in problems(name, raw)[0].what


def test_a_name_is_shown_in_one_line(places):
    found = problems("../../x\ny\x1b[31m.pdf", b"%PDF")
    assert found[0].where == "x?y?[31m.pdf"


# -------------------------------------------------------------------------------------- slips


def link(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (mode | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("../slip.yaml", "leads outside"),
        ("case/../../slip.yaml", "leads outside"),
        ("/slip.yaml", "leads outside"),
        ("case//slip.yaml", "leads outside"),
        ("./slip.yaml", "leads outside"),
        ("C:slip.yaml", "not a file's name"),
        ("C:\\slip.yaml", "not a file's name"),
        ("..\\slip.yaml", "not a file's name"),
        ("sl\x1bip.yaml", "not a file's name"),
        ("a/b/c/d/e/f/slip.yaml", "too long"),
        ("s" * 200 + ".yaml", "too long"),
        ("inner.zip", "an archive in an archive"),
        ("inner.xlsx", "an archive in an archive"),
        ("run.sh", "not a file of a case"),
        (link("slip.yaml", stat.S_IFLNK), "a link or a device"),
        (link("slip.yaml", stat.S_IFCHR), "a link or a device"),
        (link("slip.yaml", stat.S_IFIFO), "a link or a device"),
    ],
    ids=str,
)
def test_nothing_leads_out_of_the_folder(name, says, folder, places):
    found = problems("case.zip", zipped({**folder, name: b"/etc/passwd"}))
    assert [says in p.what for p in found] == [True]


def test_two_files_of_one_name_are_refused(folder, places):
    assert "one name" in problems("case.zip", zipped({**folder, "Scenario.YAML": b"name: other"}))[0].what


def test_a_file_that_is_a_folder_too_is_refused(places):
    raw = zipped({"scenario.yaml": BAD_SCENARIO, "scenario.yaml/x.csv": b"a"})
    assert "a file and a folder" in problems("case.zip", raw)[0].what


def test_a_table_outside_the_folder_is_not_read(places, tmp_path_factory):
    secret = tmp_path_factory.mktemp("secret") / "secret.csv"
    secret.write_text("id\nthe-secret\n")
    for name in (str(secret), "../" * 12 + str(secret).lstrip("/")):
        found = problems("case.zip", zipped({"scenario.yaml": f"name: x\nsites: {name}\n".encode()}))
        assert any("outside" in p.what for p in found)
        assert not any("the-secret" in str(p) for p in found)


# -------------------------------------------------------------------------------------- bombs


def test_too_much_is_not_even_read(places):
    class Endless(io.RawIOBase):
        read_so_far = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.read_so_far += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(fs.ScenarioError, match="too large"):
        taken_in(SMALL, "a.yaml", stream)
    assert stream.read_so_far == SMALL.upload + 1


def test_what_unpacks_to_too_much_is_stopped(places):
    raw = zipped({"scenario.yaml": b"name: x\n" + b"# " * 10_000_000})
    assert len(raw) < SMALL.upload
    assert "unpacks to more than" in problems("bomb.zip", raw, SMALL)[0].what


def test_many_small_bombs_are_counted_together(places):
    raw = zipped({"scenario.yaml": b"name: x\n", **{f"{i}.csv": bytes(30_000) for i in range(15)}})
    assert "unpacks to more than" in problems("bomb.zip", raw, SMALL)[0].what


def test_a_size_that_is_not_true_is_not_believed(places):
    """The directory says that the bomb is ten bytes: what is unpacked is counted, or the archive is damaged."""
    raw = bytearray(zipped({"scenario.yaml": b"name: x\n" + b"# " * 10_000_000}))
    for sign, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", raw, raw.rfind(sign) + at, 10)
    assert problems("bomb.zip", bytes(raw), SMALL)[0].what.startswith("'scenario.yaml' in it cannot be unpacked")


def test_too_many_files_are_refused_before_they_are_listed(places):
    raw = zipped({f"{i}.csv": b"" for i in range(500)}, zipfile.ZIP_STORED)
    assert "too many files" in problems("many.zip", raw, SMALL)[0].what
    raw = zipped({f"{i}.csv": b"" for i in range(21)}, zipfile.ZIP_STORED)
    assert "there is no scenario" in problems("many.zip", raw, SMALL)[0].what
    raw = zipped({"scenario.yaml": b"name: x"} | {f"{i}.csv": b"" for i in range(21)}, zipfile.ZIP_STORED)
    assert "holds 22 files" in problems("many.zip", raw, SMALL)[0].what


@pytest.mark.parametrize("how", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_packing_whose_memory_the_archive_chooses_is_refused(how, folder, places):
    assert "cannot be unpacked" in problems("case.zip", zipped(folder, how))[0].what


def test_a_workbook_that_unpacks_to_too_much_is_stopped(workbook, places):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        files = {name: book.read(name) for name in book.namelist()}
    raw = zipped({**files, "xl/media/picture.bin": bytes(SMALL.expanded)})
    assert "unpacks to more than" in problems("bomb.xlsx", raw, SMALL)[0].what


@pytest.mark.parametrize("bomb", ["far cell", "entities", "broken XML", "long text told often"])
def test_a_workbook_that_would_fill_the_memory_is_refused(bomb, workbook, places):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        files = {name: book.read(name) for name in book.namelist()}
    sheet = next(name for name in files if name.startswith("xl/worksheets/sheet"))
    if bomb == "far cell":
        row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
        files[sheet] = files[sheet].replace(b"</sheetData>", row)
    elif bomb == "entities":
        files[sheet] = files[sheet].replace(b"<worksheet", b'<!DOCTYPE w [<!ENTITY a "aaaa">]><worksheet', 1)
    elif bomb == "broken XML":
        files[sheet] = files[sheet][: len(files[sheet]) // 2]
    else:
        text = "xl/sharedStrings.xml"
        files[text] = files[text].replace(b"<si><t>", b"<si><t>" + b"x" * 1_000_000, 1)
        cells = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(5_000, 7_000))
        files[sheet] = files[sheet].replace(b"</sheetData>", cells.encode() + b"</sheetData>")
    found = problems("bomb.xlsx", zipped(files))
    assert any(word in found[0].what for word in ("too large", "entities", "damaged", "characters of text"))


# ------------------------------------------------------------------------------------ anything at all


def only_problems(name: str, raw: bytes) -> None:
    """Take it in: it comes in, or is refused in words of a few lines, and nothing is left behind."""
    with tempfile.TemporaryDirectory() as room:
        said = ""
        with mock.patch.object(tempfile, "tempdir", room):
            try:
                taken(name, raw, Limits(upload=2_000_000, expanded=3_000_000, entries=100))
            except fs.ScenarioError as error:
                said = str(error)
        assert room not in said
        assert list(Path(room).iterdir()) == []


@pytest.mark.slow
@settings(max_examples=50)
@given(st.sampled_from(["a.zip", "a.xlsx", "a.yaml", "a", "a.YML"]), st.binary(max_size=500))
def test_any_bytes_come_in_or_are_refused(name, raw):
    only_problems(name, raw)


@pytest.mark.slow
@settings(max_examples=50)
@given(name=st.text(max_size=60), content=st.binary(max_size=60), data=st.data())
def test_any_names_in_a_zip_come_in_or_are_refused(name, content, data):
    mode = data.draw(st.sampled_from([0, stat.S_IFREG, stat.S_IFLNK, stat.S_IFDIR, stat.S_IFSOCK]))
    name = data.draw(st.sampled_from(["", "../", "/", "a/", "\\", "tables/"])) + name
    name += data.draw(st.sampled_from(["", ".yaml", ".csv", "/", ".zip"]))
    raw = zipped({"scenario.yaml": BAD_SCENARIO, link(name.encode("utf-8", "replace").decode(), mode): content})
    only_problems("a.zip", raw)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.data())
def test_a_damaged_zip_comes_in_or_is_refused(folder, data):
    only_problems("a.zip", damaged(zipped({n: c for n, c in folder.items() if n.endswith(".yaml")}), data))


@pytest.mark.slow
@settings(max_examples=50)
@given(st.data())
def test_a_damaged_workbook_comes_in_or_is_refused(workbook, data):
    only_problems("a.xlsx", damaged(workbook, data))


@pytest.mark.slow
@settings(max_examples=50)
@given(st.data())
def test_a_workbook_of_damaged_parts_comes_in_or_is_refused(workbook, data):
    with zipfile.ZipFile(io.BytesIO(workbook)) as book:
        files = {name: book.read(name) for name in book.namelist()}
    part = data.draw(st.sampled_from(sorted(files)))
    files[part] = damaged(files[part], data)
    only_problems("a.xlsx", zipped(files, zipfile.ZIP_STORED))


def damaged(raw: bytes, data) -> bytes:
    """Change, drop, repeat or cut a few bytes, mostly near the end, where an archive keeps its directory."""
    for _ in range(data.draw(st.integers(1, 4))):
        near = st.integers(max(0, len(raw) - 300), max(0, len(raw) - 1))
        at = data.draw(st.one_of(near, st.integers(0, max(0, len(raw) - 1))))
        length = data.draw(st.integers(0, 20))
        put = data.draw(st.binary(max_size=20))
        raw = raw[:at] + put + raw[at + length :]
    return raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw
