"""Verbs about a case: make one, list those shipped, check one, show what it became."""

from __future__ import annotations

import json
import shutil
import tempfile
from importlib import resources
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.options import Case, of_a_case, that_talks
from fieldshift.cli.talk import Talk, counted, kept

__all__ = ["cases", "check", "new", "show"]

TUTORIAL = "academy"
WORKBOOK = ".xlsx"
SHOWN = {
    "stocks": "people and cases that wait, by place",
    "arcs": "how they move: by chance, by choice, or served",
    "order": "what happens in one period, step by step",
    "equations": "next period's mean of each stock",
    "limits": "seats, posts, floors and money",
    "policies": "what is decided, by which rules",
    "needs": "posts that the work requires",
}
SHOW_HELP = "Show what a case became, in words.\n\n\b\n" + "\n".join(
    f"{what:<10} {means}" for what, means in SHOWN.items()
)


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--from", "source", default=TUTORIAL, show_default=True, metavar="CASE", help="The case to start from.")
@click.option("--xlsx", "as_workbook", is_flag=True, help="An Excel workbook, DIR.xlsx, instead of a folder.")
@that_talks
def new(folder: Path, source: str, as_workbook: bool, talk: Talk) -> None:
    """Make a folder with a case that is ready to run, or a workbook.

    DIR must not exist yet, or be empty. A name that ends in .xlsx is a workbook's.
    """
    if as_workbook or folder.suffix.lower() == WORKBOOK:
        _new_workbook(folder, source, talk)
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise fs.UsageError(f"'{folder}' exists and is not empty: name a new folder")
    fs.read(source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fieldshift-", dir=folder.parent) as work:
        made = Path(work) / "case"
        _copy(source, made)
        if folder.is_dir():
            folder.rmdir()
        made.rename(folder)
    kept(f"the case {folder}")
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    talk.tell(f"{folder}: {', '.join(files)}", {"folder": str(folder), "from": source, "files": files})
    talk.say(f"Next: fieldshift run {folder} -o {folder}-out")


def _new_workbook(name: Path, source: str, talk: Talk) -> None:
    """Make a workbook of a case; its name is taken as it is where it ends in .xlsx."""
    file = name if name.suffix.lower() == WORKBOOK else name.with_name(f"{name.name}{WORKBOOK}")
    if file.exists():
        raise fs.UsageError(f"'{file}' exists: name a new file")
    fs.write(fs.read(source), file)
    kept(f"the case {file}")
    talk.tell(f"{file}: its first sheet says how to use it", {"file": str(file), "from": source})
    talk.say(f"Next: fieldshift run {file} -o {file.with_suffix('')}-out")


def _copy(source: str, target: Path) -> None:
    path = Path(source)
    if path.suffix.lower() == WORKBOOK:
        fs.write(fs.read(path), target)
    elif path.is_dir():
        shutil.copytree(path, target)
    elif path.is_file():
        target.mkdir()
        shutil.copy2(path, target / "scenario.yaml")
    else:
        with resources.as_file(resources.files("fieldshift") / "cases" / source) as shipped:
            shutil.copytree(shipped, target)


@click.command()
@that_talks
def cases(talk: Talk) -> None:
    """List the cases that ship with Fieldshift."""
    found = [(name, fs.read(name)) for name in fs.cases()]
    data = [{"name": name, "title": case.name, "about": case.about} for name, case in found]
    wide = max(len(name) for name, _ in found)
    talk.tell("\n".join(f"{name:<{wide}}   {case.name}" for name, case in found), data)
    talk.say("Start from one: fieldshift new DIR --from CASE")


@click.command()
@of_a_case
@that_talks
def check(case: Case, talk: Talk) -> None:
    """Check a case: all problems at once, each with its place.

    Exit code 2 where there is an error; warnings do not stop a run.
    """
    try:
        problems = list(fs.problems(case.read()))
    except fs.ScenarioError as error:
        problems = list(error.problems)
    errors = sum(p.level == "error" for p in problems)
    for problem in problems:
        click.echo(str(problem), err=True)
    warnings = counted(len(problems) - errors, "warning")
    verdict = f"{counted(errors, 'error') if errors else 'no problems'}; {warnings}"
    keys = ("level", "where", "path", "what", "hint")
    talk.tell(f"{case.given}: {verdict}", [{key: getattr(p, key) for key in keys} for p in problems])
    if errors:
        raise click.exceptions.Exit(fs.ScenarioError.exit_code)


@click.command(help=SHOW_HELP, short_help="Show what a case became: its stocks and arcs, in words.")
@of_a_case
@click.argument("what", metavar="WHAT", type=click.Choice(list(SHOWN)))
@that_talks
def show(case: Case, what: str, talk: Talk) -> None:
    """Show what a case became: its stocks and arcs, in words."""
    scenario = case.checked(talk)
    if talk.json:
        talk.tell("", json.loads(fs.show(scenario, what, form="json")))
    else:
        talk.tell(fs.show(scenario, what), None)
