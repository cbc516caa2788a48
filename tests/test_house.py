"""The rules of the house, as tests that can fail. CONTRIBUTING.md says them in words."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "fieldshift"
MODULES = sorted(PACKAGE.rglob("*.py"))
MOST_LINES = 400
DRAWERS = {"utils", "util", "common", "types", "base", "helpers", "helper", "misc"}

# The one file that imports inside a function: the lazy table of public names.
MAY_IMPORT_LATE = {PACKAGE / "__init__.py"}

# Built from pieces, so that this file does not find itself.
ADDRESSES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "registry." + "npmjs.org",
    "registry." + "yarnpkg.com",
    "deb." + "debian.org",
    "." + "library/",
]
MACHINE_PATH = re.compile(r"(?<![\w.~$})-])/(?:work|root|home|Users|opt)/[\w.]")
ADDRESS = re.compile("|".join(re.escape(address) for address in ADDRESSES))
INDEX_OPTION = re.compile(r"^\s*--?(?:index-url|extra-index-url|find-links|i|f)\b", re.MULTILINE)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def ours() -> list[Path]:
    """Every file that is committed or would be."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / entry for entry in listed.stdout.split("\0") if entry]
    assert files, "git lists no file"
    return [file for file in files if file.is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for file in ours():
        content = file.read_bytes()
        if b"\0" not in content[:8000]:
            yield file, content.decode("utf-8")


def metadata() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def make_verbs() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


# ------------------------------------------------------------------------------------- the tree


def test_no_module_is_too_long():
    lengths = {name(file): len(file.read_text(encoding="utf-8").splitlines()) for file in MODULES}
    assert {file: lines for file, lines in lengths.items() if lines > (650 if "/kernel" in file else MOST_LINES)} == {}


def test_no_module_is_a_drawer_for_leftovers():
    named = [name(file) for file in MODULES if set(file.relative_to(PACKAGE).with_suffix("").parts) & DRAWERS]
    assert named == []


def test_every_room_stands_in_architecture():
    rooms = {file.relative_to(PACKAGE).parts[0] for file in MODULES} - {"__init__.py", "__main__.py"}
    described = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    missing = [room for room in sorted(rooms) if not re.search(rf"\b{re.escape(room)}", described)]
    assert missing == []


def test_floors_hold():
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


# ---------------------------------------------------------------------------------- the imports


def late_imports(tree: ast.Module) -> list[int]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inside = (node for function in functions for node in ast.walk(function))
    return sorted({node.lineno for node in inside if isinstance(node, ast.Import | ast.ImportFrom)})


def relative_imports(tree: ast.Module) -> list[int]:
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level > 0]


def hidden_imports(tree: ast.Module) -> list[int]:
    named = (node for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute | ast.alias))
    return [
        node.lineno
        for node in named
        if "TYPE_CHECKING" in (getattr(node, "id", ""), getattr(node, "attr", ""), getattr(node, "name", ""))
    ]


@pytest.mark.parametrize("file", MODULES, ids=name)
def test_imports_stand_at_the_top_and_in_the_open(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    assert relative_imports(tree) == [], "say where it comes from: from fieldshift.room import name"
    assert hidden_imports(tree) == [], "an import for types alone is still an arrow"
    if file not in MAY_IMPORT_LATE:
        assert late_imports(tree) == [], "an import inside a function hides an arrow"


def test_the_import_rules_can_fail():
    bad = ast.parse(
        "from typing import TYPE_CHECKING\nfrom . import x\nif TYPE_CHECKING:\n    import y\n"
        "def f():\n    def g():\n        import z\n"
    )
    assert relative_imports(bad) == [2]
    assert sorted(hidden_imports(bad)) == [1, 3]
    assert late_imports(bad) == [7]


# ----------------------------------------------------------------------------- the public names


def test_the_shell_starts_without_the_engines():
    heavy = {"duckdb", "highspy", "numba", "numpy", "pandas", "scipy"}
    code = f"import sys, fieldshift.cli; print(*sorted({heavy!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_public_names_are_those_of_the_stub():
    import fieldshift

    stub = ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8"))
    told: set[str] = set()
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            told |= {alias.asname for alias in node.names if alias.asname}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            told.add(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            told.add(node.target.id)
    told -= {"__all__"}
    assert set(fieldshift.__all__) == {each for each in told if not each.startswith("_") or each == "__version__"}
    unresolved = [each for each in fieldshift.__all__ if getattr(fieldshift, each, None) is None]
    assert unresolved == []


# ----------------------------------------------------------------------------- what is committed


def test_no_file_names_a_machine_or_a_registry():
    found = [
        f"{name(file)}: {hit.group()}"
        for file, text in texts()
        for hit in [*MACHINE_PATH.finditer(text), *ADDRESS.finditer(text)]
    ]
    assert found == []


def test_the_machine_rule_can_fail():
    assert MACHINE_PATH.search("see " + "/" + "work/main")
    assert MACHINE_PATH.search("'" + "/" + "home/ann/x'")
    assert not MACHINE_PATH.search("https://example.gov" + "/" + "home/page")
    assert not MACHINE_PATH.search("docs" + "/" + "work/page")
    assert ADDRESS.search("https://" + "pypi" + ".org/simple")


def test_the_lock_is_whole_and_names_no_index():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert not INDEX_OPTION.search(lock)
    pins = re.split(r"\n(?=[a-z])", lock)[1:]
    assert len(pins) > len(metadata()["dependencies"])
    assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_every_dependency_is_locked():
    project = metadata()
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert {re.match(r"[a-z0-9-]+", each).group() for each in wanted} - locked == set()


# ------------------------------------------------------------------------------------- one door


def test_ci_calls_make_check_and_nothing_else():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[1:] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make check"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_readme_starts_with_commands_that_exist(command):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command.removeprefix("make ") in make_verbs()


def test_every_verb_is_listed_by_make_help():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert make_verbs() == set(re.findall(r"^([a-z-]+):.*?## ", text, re.MULTILINE))
    assert make_verbs() == set(re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split())


def test_versions_agree():
    version = metadata()["version"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == version
    assert citation["license"] == metadata()["license"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(.+?)\]", changes, re.MULTILINE).group(1)
    assert newest in ("Unreleased", version)
