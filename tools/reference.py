"""Make docs/reference from the code: what a planner may write, the measures, the shell, the public names, the errors.

    python tools/reference.py            write the pages
    python tools/reference.py --check    write nothing; exit 1 and name the pages that are stale

The same code gives the same bytes. Nothing in docs/reference is written by hand.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo

import fieldshift as fs
from fieldshift import errors
from fieldshift.cli import shell
from fieldshift.results.measures import MEASURES
from fieldshift.scenario.dictionary import default_of, unit_of
from fieldshift.scenario.schema import Amount, Scenario

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
WIDTH = 100
MADE = "<!-- Made by tools/reference.py from the code. Do not edit: `make docs` writes it again. -->"

# ------------------------------------------------------------------------------- what a planner writes

SHORT_FORMS = """\
A number may be written in short:

| form | stands for |
|---|---|
| `40` | the value, in the unit that the field expects |
| `12 %/year`, `5 person per site` | the value with its unit, and whether it is for each site |
| `officers * desk_share` | a formula over quantities: `+ - * /`, `min`, `max`, brackets; units are checked |
| `seats.csv` | a table with the columns `site` and/or `date` (or `year`) and `value` |
| `{2025-01-06: 150 person, 2025-07-28: 165 person}` | the value from each date on |
| `{2025: 700 MUSD, 2026: 720 MUSD}` | the value in each fiscal year |

Long forms name the fields below. A number says its value in one way only."""


def part(annotation: Any) -> type[BaseModel] | None:
    """Return the part of a scenario that an annotation is, or nothing."""
    return annotation if inspect.isclass(annotation) and issubclass(annotation, BaseModel) else None


def parts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the parts that an annotation names, in order."""
    own = part(annotation)
    if own is not None:
        yield own
    for inner in get_args(annotation):
        if not isinstance(inner, FieldInfo):
            yield from parts_in(inner)


def parts_from(first: type[BaseModel]) -> list[type[BaseModel]]:
    """Return a part and all those under it, each before those that it brings in; numbers come last."""
    found: list[type[BaseModel]] = []

    def walk(model: type[BaseModel]) -> None:
        if model in found:
            return
        found.append(model)
        for field in model.model_fields.values():
            for inner in parts_in(field.annotation):
                walk(inner)

    walk(first)
    last = [model for model in found if model.__name__ in ("Amount", "Estimate")]
    return [model for model in found if model not in last] + last


WORDS = {"str": "text", "float": "number", "int": "whole number", "bool": "true or false", "date": "date", "Any": "any"}


def kind(annotation: Any) -> str:
    """Return in words what may be written where an annotation stands, with links to the parts."""
    own = part(annotation)
    if own is not None:
        return "[number](#amount)" if own is Amount else f"[{own.__name__}](#{own.__name__.lower()})"
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    if not inner:
        return WORDS[annotation.__name__]
    words = [kind(a) for a in inner if a not in (type(None), Ellipsis) and not isinstance(a, FieldInfo)]
    if origin is tuple:
        return f"list of {words[0]}" if Ellipsis in inner else " and ".join(words)
    if origin is dict:
        return f"{words[0].replace('text', 'name')}: {words[1]}"
    assert origin in (Union, types.UnionType, Annotated), annotation
    return " or ".join(dict.fromkeys(words))


def default(field: FieldInfo) -> str:
    """Return what holds where a planner says nothing."""
    if field.is_required():
        return "required"
    value = default_of(field)
    return "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def unit(field: FieldInfo) -> str:
    """Return the unit of a number, both where there are two."""
    found = unit_of(field)
    return " or ".join("share" if u == "1" else f"`{u}`" for u in found.split("|")) if found else ""


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def scenario() -> str:
    """Return the page of what a planner may write."""
    models = parts_from(Scenario)
    links = ", ".join(f"[{model.__name__}](#{model.__name__.lower()})" for model in models)
    text = (
        "A scenario is a YAML file, a folder with `scenario.yaml` and CSV tables, or a workbook with the same fields "
        "as columns ([from a workbook](../guides/from-a-workbook.md)). Every key is one of the fields "
        "below; any other key is refused. A bare number takes the unit of its field. `share` is a number without a "
        f"unit: `5 %` or `0.05`. For editors there is a [JSON Schema](scenario.schema.json).\n\nParts: {links}."
    )
    heads = ("field", "what", "unit", "default", "meaning")
    blocks = [MADE, "# What a planner may write", text]
    for model in models:
        rows = [
            [f"`{field.alias or name}`", kind(field.annotation), unit(field), default(field), field.description or ""]
            for name, field in model.model_fields.items()
        ]
        blocks += [f"## {model.__name__}", paragraphs(model), table(heads, rows)]
        if model is Amount:
            blocks.insert(-1, SHORT_FORMS)
    return "\n\n".join(blocks) + "\n"


def paragraphs(thing: Any) -> str:
    """Return a docstring without its sections."""
    text = inspect.getdoc(thing) or ""
    return re.split(r"\n\n?(?:Attributes|Args|Returns|Raises|Source|Yields):\n", text)[0].strip()


def schema() -> str:
    """Return the JSON Schema of a scenario, with the short forms that the reader takes."""
    made = Scenario.model_json_schema(by_alias=True)
    shapes = made["$defs"]
    shapes["AmountInFull"] = shapes["Amount"]
    shapes["Amount"] = {
        "description": "A number: bare, as text with its unit or a formula, a table, by date, by year, or in full.",
        "anyOf": [
            {"type": "number"},
            {"type": "string"},
            {
                "type": "object",
                "patternProperties": {r"^\d{4}(-\d{2}(-\d{2})?)?$": {"type": ["number", "string"]}},
                "additionalProperties": False,
                "minProperties": 1,
            },
            {"$ref": "#/$defs/AmountInFull"},
        ],
    }
    for name, also in (("Site", [{"type": "string"}]), ("Price", [{"type": "number"}, {"type": "string"}])):
        shapes[f"{name}InFull"] = shapes[name]
        shapes[name] = {"anyOf": [*also, {"$ref": f"#/$defs/{name}InFull"}]}
    sites = made["properties"]["sites"]
    made["properties"]["sites"] = {
        "description": sites.pop("description"),
        "anyOf": [{"type": "string", "description": "A CSV file with a column `id`."}, sites],
    }
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}
    return json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


# ------------------------------------------------------------------------------------------- measures


def measures() -> str:
    """Return the page of the measures."""
    words = {"instant": "each date", "period": "each period"}
    rows = [
        [f"`{m.name}`", m.title, m.unit, words[m.at], m.of, "yes" if m.by_site else "", m.definition]
        for m in MEASURES.values()
    ]
    text = (
        "What can be asked of a run: in `headlines`, in `Result.table`, and in exported tables. A measure has a value "
        "for each date (instants, one more than periods) or for each period. Where `of` names a kind of part, it is "
        "asked for with a part: `backlog` of `inspections`. The unit `1` is a share; `currency` is the scenario's."
    )
    heads = ("measure", "title", "unit", "at", "of", "by site", "definition")
    return "\n\n".join([MADE, "# Measures", text, table(heads, rows)]) + "\n"


# ---------------------------------------------------------------------------------------------- shell


def helped(command: click.Command, name: str, above: click.Context | None = None) -> tuple[str, click.Context]:
    """Return the help of a command as the shell gives it, and its context."""
    how = {**command.context_settings, "terminal_width": WIDTH, "max_content_width": WIDTH}
    context = click.Context(command, above, name, **how)
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines()), context


def shell_page() -> str:
    """Return the page of the shell: the help of every verb."""
    text, group = helped(shell, "fieldshift")
    codes = table(("code", "meaning"), [[str(code), meaning] for code, meaning in exit_codes()])
    blocks = [MADE, "# Shell", f"```text\n{text}\n```", "Exit codes:", codes]
    for verb, command in shell.commands.items():
        blocks += [f"## {verb}", f"```text\n{helped(command, verb, group)[0]}\n```"]
    return "\n\n".join(blocks) + "\n"


def exit_codes() -> list[tuple[int, str]]:
    """Return the exit codes with what each means, by the error tree."""
    found = {0: ["done"]}
    for name in errors.__all__:
        error = getattr(errors, name)
        if inspect.isclass(error) and issubclass(error, Exception):
            found.setdefault(error.exit_code, []).append(f"`{name}`")
    return [(code, ", ".join(names)) for code, names in sorted(found.items())]


# --------------------------------------------------------------------------------------- public names


def signature(thing: Callable[..., Any], name: str) -> str:
    """Return how something is called, one argument a line where it is long."""
    given = inspect.signature(thing)
    shown, star = [], False
    for p in given.parameters.values():
        if p.name in ("self", "cls"):
            continue
        if p.kind is p.KEYWORD_ONLY and not star:
            shown.append("*")
            star = True
        star = star or p.kind is p.VAR_POSITIONAL
        mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
        said = "" if p.annotation is p.empty else f": {plain(p.annotation)}"
        value = "" if p.default is p.empty else f" = {p.default!r}" if said else f"={p.default!r}"
        shown.append(f"{mark}{p.name}{said}{value}")
    back = "" if given.return_annotation in (given.empty, None, "None") else f" -> {plain(given.return_annotation)}"
    line = f"{name}({', '.join(shown)}){back}"
    if len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {text},\n" for text in shown) + f"){back}"


def plain(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def told(thing: Any) -> str:
    """Return a docstring as Markdown: its sections become lists."""
    text = inspect.getdoc(thing) or ""
    out: list[str] = []
    listing = False
    for line in text.splitlines():
        if re.fullmatch(r"(Attributes|Args|Returns|Raises|Source|Yields):", line):
            listing = True
            out += ["", f"{line[:-1]}:", ""]
        elif listing and re.match(r" {4}\S", line):
            entry = re.match(r" {4}([\w., *]+): (.*)", line)
            out.append(f"- `{entry[1]}`: {entry[2]}" if entry else f"- {line.strip()}")
        elif listing and line.startswith("      "):
            out[-1] += f" {line.strip()}"
        else:
            listing = listing and not line.strip()
            out.append(line)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(out)).strip()


def first_line(thing: Any) -> str:
    return (inspect.getdoc(thing) or "").split("\n", 1)[0]


def methods(thing: type) -> list[list[str]]:
    """Return the public methods and properties of a class, in the order in which they are written."""
    rows = []
    for owner in [thing, *(base for base in thing.__mro__[1:] if base.__module__.startswith("fieldshift"))]:
        for name, member in vars(owner).items():
            if name.startswith("_") or any(name == row[0] for row in rows):
                continue
            if isinstance(member, property):
                rows.append([name, f"`{name}`", first_line(member)])
            elif callable(member) or isinstance(member, staticmethod | classmethod):
                call = re.sub(r"\s+", " ", signature(getattr(thing, name), name)).replace("( ", "(").replace(", )", ")")
                rows.append([name, f"`{call}`", first_line(member)])
    return [row[1:] for row in rows]


def python() -> str:
    """Return the page of the public names."""
    names = [name for name in fs.__all__ if not name.startswith("_")]
    rows = [[f"[`{name}`](#{name.lower()})", first_line(getattr(fs, name))] for name in names]
    blocks = [
        MADE,
        "# Python",
        "The public names: `import fieldshift as fs`. Anything else may change without notice.",
        table(("name", "what"), rows),
    ]
    for name in names:
        thing = getattr(fs, name)
        blocks.append(f"## {name}")
        if inspect.isclass(thing) and issubclass(thing, Exception):
            blocks.append(f"{told(thing)}\n\nExit code {thing.exit_code}. See [errors](errors.md).")
        elif inspect.isclass(thing) and issubclass(thing, BaseModel):
            blocks.append(f"{told(thing)}\n\nIts fields are on the page [what a planner may write](scenario.md).")
        elif inspect.isclass(thing):
            blocks.append(told(thing))
            if methods(thing):
                blocks.append(table(("member", "what"), methods(thing)))
        else:
            blocks += [f"```python\n{signature(thing, 'fs.' + name)}\n```", told(thing)]
    return "\n\n".join(blocks) + "\n"


# --------------------------------------------------------------------------------------------- errors


def errors_page() -> str:
    """Return the page of what can go wrong."""
    tree = [inspect.getdoc(errors) or "", "All are in `fieldshift.errors`; those marked are public names."]
    rows = []
    for name in errors.__all__:
        error = getattr(errors, name)
        if inspect.isclass(error) and issubclass(error, Exception):
            rows.append([f"`{name}`", str(error.exit_code), "yes" if name in fs.__all__ else "", first_line(error)])
    heads = ("error", "exit code", "public", "meaning")
    problem = [
        "## Problem",
        told(errors.Problem),
        "As text: `where: path: what (hint)`, with `warning:` before the path of a warning. All are told at once.",
    ]
    return "\n\n".join([MADE, "# Errors", *tree, table(heads, rows), *problem]) + "\n"


# ------------------------------------------------------------------------------------------------ doors


def pages() -> dict[str, str]:
    """Return every page by file name."""
    return {
        "scenario.md": scenario(),
        "scenario.schema.json": schema(),
        "measures.md": measures(),
        "shell.md": shell_page(),
        "python.md": python(),
        "errors.md": errors_page(),
    }


def stale(folder: Path = FOLDER) -> list[str]:
    """Return the names of pages that differ from what the code says, or that nothing makes any more."""
    made = pages()
    there = {f.name: f.read_text(encoding="utf-8") for f in sorted(folder.glob("*")) if f.is_file()}
    return sorted(name for name in {*made, *there} if made.get(name) != there.get(name))


def main(args: Sequence[str]) -> int:
    if list(args) not in ([], ["--check"]):
        print("usage: python tools/reference.py [--check]", file=sys.stderr)
        return 2
    names = stale()
    if args:
        for name in names:
            print(f"docs/reference/{name} is stale: make docs", file=sys.stderr)
        return 1 if names else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for name in names:
        if name in made:
            (FOLDER / name).write_text(made[name], encoding="utf-8", newline="\n")
        else:
            (FOLDER / name).unlink()
        print(f"docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
