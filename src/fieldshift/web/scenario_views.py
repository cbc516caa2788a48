"""The page of a scenario in work, as plain data."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, Field

import fieldshift as fs
from fieldshift.web import checking
from fieldshift.web.casebook import Case, Work, version_draft
from fieldshift.web.checking import Wrong
from fieldshift.web.desk import Desk
from fieldshift.web.differences import Difference, Way, differences, dotted
from fieldshift.web.forms import FieldView, kind_of_part, known_names
from fieldshift.web.levers import LeverView, levers_of
from fieldshift.web.part_views import PartForm, PartTable, form_of, table_of
from fieldshift.web.texts import Text

__all__ = [
    "CaseView",
    "Overtaken",
    "ScenarioPage",
    "Shown",
    "Side",
    "Tab",
    "case_view",
    "page_of",
    "side_of",
    "where_shown",
]

_HEAD = ("name", "about", "tested", "as_of", "currency", "horizon", "calibrate")
_NOT_TABS = ("levers", "scenario", "estimates", "amount")
_TABS = (
    "levers",
    "scenario",
    *(kind.key for kind in fs.dictionary() if not kind.within and kind.key not in _NOT_TABS),
)


class Shown(BaseModel):
    """What of a scenario is shown: the state of its page."""

    part: Text = Field("levers", description="The kind of part; `levers` are the sliders, `levers.table` the parts.")
    open: Text = Field("", description="The path of the one part, or entry of a list, that is shown.")
    page: int = Field(1, ge=1, le=100_000, description="Which page of a long table.")


class CaseView(BaseModel):
    """A case: its id, its name, where it came from, whose it is, its newest version."""

    id: str
    name: str
    origin: str
    owner: str
    newest: int


class Tab(BaseModel):
    """A kind of part: its key, its name, how many there are, how much of it differs from the base or is wrong."""

    key: str
    title: str
    count: int
    changed: int
    wrong: int


class Overtaken(BaseModel):
    """What somebody else saved while a draft changed an older version.

    Attributes:
        begun: The version that the draft was begun on.
        newest: The newest version.
        theirs: What others changed since.
        both: What both changed: the draft's value holds where it is brought over.
    """

    begun: int
    newest: int
    theirs: list[Difference]
    both: list[Difference]


class Side(BaseModel):
    """What is told beside every form of a scenario.

    Attributes:
        case: The case.
        version: The version that the draft changes.
        editable: Whether the visitor may change it.
        kept: When the last change was kept, in seconds since 1970; None where there is none.
        unsaved: What the draft changes.
        earlier: What that version changes against the first.
        overtaken: What others saved meanwhile, or None.
        lost: Changes that lead nowhere in the version they change; they are kept.
        problems: What is wrong.
        complete: Whether every check was made, those under each policy and at the ends of each lever too.
        runnable: Whether it can be saved and run, as far as is known.
        tabs: All kinds of parts.
    """

    case: CaseView
    version: int
    editable: bool
    kept: float | None
    unsaved: list[Difference]
    earlier: list[Difference]
    overtaken: Overtaken | None
    lost: list[str]
    problems: list[Wrong]
    complete: bool
    runnable: bool
    tabs: list[Tab]


class ScenarioPage(BaseModel):
    """A scenario in work.

    Attributes:
        side: What is told beside every form.
        name: The scenario's own name.
        about: What it is about.
        part: The kind of part that is shown.
        levers: The levers, where they are what is shown.
        table: The parts of the kind that is shown, or None.
        form: The one part that is shown, or None.
        up: Where the form's part stands: path and title of all that is around it.
        names: Names that fields may be, by the key in their `lists`.
        query: The page's state, as in its address.
    """

    side: Side
    name: str
    about: str
    part: str
    levers: list[LeverView]
    table: PartTable | None
    form: PartForm | None
    up: list[tuple[str, str]]
    names: dict[str, list[str]]
    query: str


def case_view(case: Case) -> CaseView:
    """Return a case as pages tell it."""
    return CaseView(id=case.id, name=case.name, origin=case.origin, owner=case.owner, newest=case.newest)


def side_of(desk: Desk, work: Work, editable: bool, full: bool = False) -> Side:
    """Return what is told beside every form.

    Args:
        desk: The desk.
        work: What is in work.
        editable: Whether the visitor may change it.
        full: Whether every check is to be made now; else they are told where they were made before.
    """
    found = checking.all_problems(work) if full else checking.known_problems(work)
    problems = checking.quick_problems(work) if found is None else found
    unsaved = differences(work.saved, work.draft)
    earlier = differences(work.base, work.saved) if work.number > 1 else []
    return Side(
        case=case_view(work.case),
        version=work.number,
        editable=editable,
        kept=work.at,
        unsaved=unsaved,
        earlier=earlier,
        overtaken=_overtaken(desk, work, unsaved) if work.behind else None,
        lost=list(work.lost),
        problems=problems,
        complete=found is not None,
        runnable=not any(problem.level == "error" for problem in problems),
        tabs=_tabs(work, [*unsaved, *earlier], problems),
    )


def _overtaken(desk: Desk, work: Work, unsaved: list[Difference]) -> Overtaken:
    theirs = differences(work.saved, version_draft(desk, work.case.id, work.case.newest))
    both = [one for one in unsaved if any(_meet(one.path, other.path) for other in theirs)]
    return Overtaken(begun=work.number, newest=work.case.newest, theirs=theirs, both=both)


def _meet(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def page_of(desk: Desk, work: Work, editable: bool, shown: Shown) -> ScenarioPage:
    """Return the page of a scenario in work.

    Args:
        desk: The desk.
        work: What is in work.
        editable: Whether the visitor may change it.
        shown: What of it is shown.

    Raises:
        UsageError: There is no such kind of part, or no such part.
    """
    part, opened, page = shown.part, shown.open, shown.page
    side = side_of(desk, work, editable)
    table: PartTable | None = None
    form: PartForm | None = None
    up: list[tuple[str, str]] = []
    key = "levers" if part == "levers.table" else part
    if key not in _TABS:
        raise fs.UsageError(f"there is no part '{part}' of a scenario")
    if opened:
        way = work.draft.way(opened)
        form, up = form_of(work, _key_of(way), way, page), _around(way)
    elif part == "scenario":
        form = form_of(work, "scenario", ())
    elif part != "levers":
        table = table_of(work, key, (key,), page)
    state = {"part": part} | ({"open": opened} if opened else {}) | ({"page": str(page)} if page > 1 else {})
    return ScenarioPage(
        side=side,
        name=work.draft.text(("name",)),
        about=work.draft.text(("about",)),
        part=part,
        levers=levers_of(work) if part == "levers" else [],
        table=table,
        form=form,
        up=up,
        names={word: known_names(work, word) for word in sorted(set(_lists(table, form)))},
        query=urlencode(state),
    )


def _key_of(way: Way) -> str:
    """Return the kind of the part that a way leads to: `stocks`, `policies.rules`, `needs.steps`, `estimates`."""
    words = [key for key in way if not isinstance(key, int)]
    if isinstance(way[-1], int) and len(way) > 2:
        last = str(words[-1])
        return last if last == "estimates" else f"{words[0]}.{last}"
    if len(way) != 2:
        raise fs.UsageError(f"'{dotted(way)}' is no part of a scenario")
    return str(way[0])


def _around(way: Way) -> list[tuple[str, str]]:
    """Return what is around a part: its kind, and the part that it is an entry of."""
    found = [("", kind_of_part(str(way[0])).title)]
    if len(way) > 2:
        found.append((dotted(way[:2]), str(way[1])))
    return found


def where_shown(work: Work, path: str) -> dict[str, str]:
    """Return the state of the page on which a path of a scenario stands."""
    try:
        way = work.draft.way(path) if path else ()
    except fs.UsageError:
        way = ()
    key = "scenario" if not way or way[0] in _HEAD else str(way[0])
    if key == "scenario" or len(way) < 2 or key == "sites":
        return {"part": key}
    for length in range(len(way), 1, -1):
        inner = way[:length]
        entry = length > 2 and isinstance(inner[-1], int) and inner[-2] in ("stages", "rules", "lapses", "steps")
        if length == 2 or entry:
            return {"part": "levers.table" if key == "levers" else key, "open": dotted(inner)}
    return {"part": key}


def _tabs(work: Work, changes: list[Difference], problems: list[Wrong]) -> list[Tab]:
    changed = _counted(one.path for one in changes)
    wrong = _counted(one.path for one in problems if one.level == "error")
    found = []
    for key in _TABS:
        parts: Any = work.draft.at((key,)) if key != "scenario" else None
        count = len(parts) if isinstance(parts, dict | list) else 0
        found.append(
            Tab(
                key=key,
                title=kind_of_part(key).title,
                count=count,
                changed=changed.get(key, 0),
                wrong=wrong.get(key, 0),
            )
        )
    return found


def _counted(paths: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for path in set(paths):
        key = path.split(".", 1)[0]
        key = "scenario" if key in _HEAD or not key else key
        found[key] = found.get(key, 0) + 1
    return found


def _lists(table: PartTable | None, form: PartForm | None) -> list[str]:
    """Return the keys of all lists of names that the fields of a page offer."""
    fields: list[FieldView] = []
    tables = [table] if table else []
    if form:
        fields += [*form.fields, *form.rare]
        tables += form.lists
    fields += [cell for one in tables for row in one.rows for cell in row.cells]
    return [one.lists for field in fields for one in (field, *field.more) if one.lists]
