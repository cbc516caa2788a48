"""The docs are run, counted and made from the code: a page that is not true any more fails here."""

import importlib.util
import inspect
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

import fieldshift as fs
from fieldshift.cli import main, shell
from fieldshift.results.measures import MEASURES
from fieldshift.scenario import schema

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
HAND = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", ROOT / "CHANGELOG.md"]
PAGES = [*HAND, *sorted(DOCS.rglob("*.md"))]
RUN = [ROOT / "README.md", *sorted((DOCS / "guides").glob("*.md")), *sorted((DOCS / "concepts").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.yaml)(, more)?\n")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return language, the words after it, and text of each fenced block."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def squeezed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


# -------------------------------------------------------------------------------- the pages are run


class Reader:
    """Does what a reader of a page does, block by block."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys, self.said = capsys, ""

    def do(self, language: str, words: str, text: str) -> None:
        if language == "yaml" and FILE.match(text):
            self.write(*FILE.match(text).groups(), text)
        elif language == "sh":
            expected = int(words.removeprefix(" exit ") or 0)
            self.said = "".join(self.command(line, expected) for line in text.splitlines() if line.strip())
        elif language == "python":
            exec(compile(text, "block", "exec"), {"__name__": "page"})
            self.said = self.capsys.readouterr().out
        elif language == "text":
            self.compare(text)

    def write(self, path: str, more: str | None, text: str) -> None:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        before = file.read_text(encoding="utf-8") if more else ""
        file.write_text(before + text, encoding="utf-8")

    def command(self, line: str, expected: int) -> str:
        words = shlex.split(line)
        assert words[0] == "fieldshift", f"a block of sh runs fieldshift only: {line}"
        with pytest.raises(SystemExit) as left:
            main(words[1:])
        out, err = self.capsys.readouterr()
        assert left.value.code == expected, f"{line}\n{out}{err}"
        return out + err

    def compare(self, text: str) -> None:
        """Hold that each line was said, in this order; `...` stands for any others."""
        said = iter(squeezed(self.said))
        for line in squeezed(text):
            assert line == "..." or line in said, f"not said, or not in this order: {line}\n{self.said}"


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in RUN if any(b[0] in ("sh", "python") for b in blocks(p))], ids=name)
def test_blocks_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    reader = Reader(capsys)
    for language, words, text in blocks(page):
        reader.do(language, words, text)


def test_the_readme_has_ten_lines_of_python():
    code = next(text for language, _, text in blocks(ROOT / "README.md") if language == "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 10


def test_yaml_on_the_pages_is_read_by_the_schema():
    """A block of YAML that is not a file of a guide names parts of a scenario that there are."""
    for page in RUN:
        for language, _, text in blocks(page):
            if language == "yaml" and not FILE.match(text):
                keys = re.findall(r"^(\w+):", text, re.MULTILINE)
                assert set(keys) <= set(schema.Scenario.model_fields), f"{name(page)}: {keys}"


# ------------------------------------------------------------------------------- the pages are whole


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    missing = []
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    assert missing == []


def test_every_page_is_reached_from_the_readme():
    seen, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = [link.partition("#")[0] for link in LINK.findall(page.read_text(encoding="utf-8")) if ":" not in link]
        waiting += [(page.parent / link).resolve() for link in links if link]
    assert [name(page) for page in DOCS.rglob("*.md") if page not in seen] == []


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name != "reference" and p.name != "CONTRIBUTING.md"], ids=name
)
def test_lines_are_short(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    assert [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")] == []


# ----------------------------------------------------------------------------------- the reference


def test_reference_is_fresh():
    assert reference().stale() == [], "make docs"


def test_a_stale_page_is_named(tmp_path, monkeypatch, capsys):
    tool = reference()
    monkeypatch.setattr(tool, "pages", lambda: {"a.md": "new\n", "b.md": "same\n"})
    for file, text in {"a.md": "old\n", "b.md": "same\n", "gone.md": "nobody makes this\n"}.items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    assert tool.stale(tmp_path) == ["a.md", "gone.md"]
    monkeypatch.setattr(tool, "stale", lambda: ["a.md"])
    assert tool.main(["--check"]) == 1
    assert "docs/reference/a.md is stale" in capsys.readouterr().err


def test_every_verb_is_on_the_page_of_the_shell():
    page = (DOCS / "reference" / "shell.md").read_text(encoding="utf-8")
    assert [verb for verb in shell.commands if f"\n## {verb}\n" not in page] == []


def test_every_measure_is_on_its_page_and_defined():
    page = (DOCS / "reference" / "measures.md").read_text(encoding="utf-8")
    assert [m for m in MEASURES if f"| `{m}` |" not in page] == []
    assert [m.name for m in MEASURES.values() if not m.definition.endswith(".")] == []


# -------------------------------------------------------------------------- the code says what it is


@pytest.mark.parametrize("public", [n for n in fs.__all__ if not n.startswith("_")])
def test_public_names_begin_with_a_sentence(public):
    first = (inspect.getdoc(getattr(fs, public)) or "").split("\n", 1)[0]
    assert re.fullmatch(r"[A-Z].*[.]", first), f"{public}: {first!r}"


def parts() -> list[type[BaseModel]]:
    return [getattr(schema, n) for n in schema.__all__ if inspect.isclass(getattr(schema, n))]


@pytest.mark.parametrize("part", parts(), ids=lambda part: part.__name__)
def test_every_field_is_described(part):
    bare = [n for n, field in part.model_fields.items() if not re.search(r"[.)]$", field.description or "")]
    assert bare == []
    page = (DOCS / "reference" / "scenario.md").read_text(encoding="utf-8")
    assert f"\n## {part.__name__}\n" in page or part is schema.Part


def test_the_changelog_knows_the_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"\b{re.escape(fs.__version__)}\b", text)
