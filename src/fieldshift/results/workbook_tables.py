"""Sheets of a run's workbook that hold tables: by policy and date, by site, what bound, the plan, what is short."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from fieldshift.results.planned import Planned
from fieldshift.results.quantiles import STATS
from fieldshift.results.report_data import headline_titles, named, policy_titles, thin
from fieldshift.results.report_words import human
from fieldshift.results.result import Result
from fieldshift.results.summary import Summary, summary
from fieldshift.results.workbook_book import Book, Field

__all__ = ["HIDDEN", "MOST", "Told", "bound_page", "national_page", "needs_pages", "plan_pages", "site_page"]

MOST = 20_000
"""Rows above which a table tells fewer dates: a workbook is for reading, and Excel ends at 1,048,576."""

_END = 1_000_000
_CSV = "the tables that `fieldshift export RUN -o FOLDER` writes"

HIDDEN = "Counts under {n} show as <{n}; what would give them away shows as x; by site only counts are told."
"""What a sheet says where small counts are hidden."""

_STATS = {
    "mean": "Mean",
    "q05": "5 %",
    "q10": "10 %",
    "q25": "25 %",
    "q50": "Median",
    "q75": "75 %",
    "q90": "90 %",
    "q95": "95 %",
}


@dataclass(frozen=True)
class Told:
    """What a workbook is made from.

    Attributes:
        result: The run.
        frames: Its tables, as `publish.tables` gives them.
        suppress: Under which number counts are hidden, or None.
    """

    result: Result
    frames: Mapping[str, pd.DataFrame]
    suppress: int | None = None

    @property
    def hiding(self) -> tuple[str, ...]:
        """What is said of hidden counts; nothing where none are."""
        return () if self.suppress is None else (HIDDEN.format(n=self.suppress),)

    @cached_property
    def summary(self) -> Summary:
        """The summary of the run."""
        return summary(self.result)

    @cached_property
    def titles(self) -> dict[str, str]:
        """A title of its own for each policy, the base first."""
        return policy_titles(self.result)

    @cached_property
    def known(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Title and unit of each measure that was kept; a headline's title is the planner's own."""
        own = {entry.key: title for entry, title in headline_titles(self.result)}
        return {e.key: (own.get(e.key, e.title), e.unit) for e in self.result.entries}


def cells(column: pd.Series[Any]) -> list[object]:
    """Return the cells of a column: numbers as they are, hidden ones as text, what is not known as None."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype(object).where(column.notna(), None).tolist()
    return [_cell(value) for value in column.tolist()]


def _cell(value: object) -> object:
    if isinstance(value, str):
        try:
            return float(value) if value else None
        except ValueError:
            return value
    return None if value is None or value is pd.NaT else value


def national_page(book: Book, told: Told) -> None:
    """Write mean and quantiles of the nation by policy, measure and date."""
    frame, note = _fewer(told.result, told.frames["national"])
    notes = ("Mean and quantiles over all futures. Filter by policy and measure; the heads have arrows.", *note)
    _measured(book, told, ("Nation", "The nation by policy, measure and date", (*notes, *told.hiding)), frame)


def site_page(book: Book, told: Told) -> None:
    """Write mean and quantiles by site."""
    frame = told.frames["sites"]
    if frame.empty:
        return
    frame, note = _fewer(told.result, frame)
    notes: tuple[str, ...] = ("Mean and quantiles over futures of each site. Sites do not add up in quantiles.", *note)
    if told.result.site_futures < told.result.draws:
        notes = (*notes, f"By site they stand on {human(told.result.site_futures)} evenly spaced futures.")
    _measured(book, told, ("Sites", "Sites by policy, measure and date", (*notes, *told.hiding)), frame)


def _measured(book: Book, told: Told, sheet: tuple[str, str, tuple[str, ...]], frame: pd.DataFrame) -> None:
    result, known = told.result, told.known
    keys = list(zip(frame["measure"].tolist(), frame["of"].tolist(), strict=True))
    units = [known[key][1] for key in keys]
    columns: dict[str, Sequence[object]] = {
        "Policy": frame["policy"].map(told.titles).tolist(),
        "Title": [known[key][0] for key in keys],
        "Unit": units,
    }
    fields = [Field("Policy", width=22), Field("Title", width=40), Field("Unit", width=11)]
    if sheet[0] == "Sites":
        columns["Site"] = frame["site"].map(_places(result)).tolist()
        fields.append(Field("Site", width=22))
    columns["Date"] = frame["date"].tolist()
    fields.append(Field("Date", "date", 12))
    for name in STATS:
        columns[_STATS[name]] = cells(frame[name])
        fields.append(Field(_STATS[name], "number", 11))
    columns["Measure"] = [".".join(part for part in key if part) for key in keys]
    fields.append(Field("Measure", width=30))
    page = book.page(*sheet)
    page.table(sheet[0], fields, columns, units)


def _fewer(result: Result, frame: pd.DataFrame, where: str = _CSV) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return a table with so few dates that it can be read, those of the report among them; and what to say of it."""
    if len(frame) <= MOST:
        return frame, ()
    instants = list(result.axes.instants)
    told = {instants[i] for entry, _ in result.chosen_headlines() for _, i in result.points(entry)}
    a_date = math.ceil(len(frame) / len(instants))
    spare = MOST // a_date - len(told)
    evenly = {instants[i] for i in thin(len(instants), spare)} if spare > 1 else set()
    days = sorted(told | evenly)[-max(1, _END // a_date) :]
    fewer = frame[frame["date"].isin(pd.to_datetime(days))].head(_END).reset_index(drop=True)
    note = (
        f"Told here: {human(len(days))} of {human(len(instants))} dates, those of the report among them. All "
        f"{human(len(frame))} rows are in {where}."
    )
    return fewer, (note,)


def bound_page(book: Book, told: Told) -> None:
    """Write which limits cut requests: first of all, and by period."""
    result = told.result
    titles, names = told.titles, _places(result)
    first = result.bound_first()
    page = book.page(
        "Limits",
        "What bound first under each policy",
        ("Ever: share of futures in which it ever cut a request. Led: in which nothing cut one before it.",),
    )
    columns: dict[str, Sequence[object]] = {
        "Policy": first["policy"].map(titles).tolist(),
        "Limit": first["title"].tolist(),
        "Where": [names.get(site, site) for site in first["site"].tolist()],
        "First around": first["date"].tolist(),
        "Ever": cells(first["ever"]),
        "Led": cells(first["led"]),
        "Part": first["part"].tolist(),
    }
    fields = [Field("Policy", width=26), Field("Limit", width=44), Field("Where", width=22)]
    fields += [Field("First around", "date", 14), Field("Ever", "ratio", 10), Field("Led", "ratio", 10)]
    page.table("Limits", [*fields, Field("Part", width=30)], columns)
    _bound_dates(book, told)


def _bound_dates(book: Book, told: Told) -> None:
    frame = told.frames["bound"]
    if frame.empty:
        return
    frame, note = _fewer(told.result, frame)
    names = _places(told.result)
    page = book.page(
        "Limits by date",
        "In which share of futures each limit cut a request, by period",
        ("A period is told by its first day; where a limit never bound in a period there is no row.", *note),
    )
    columns: dict[str, Sequence[object]] = {
        "Policy": frame["policy"].map(told.titles).tolist(),
        "Limit": frame["title"].tolist(),
        "Where": [names.get(site, site) for site in frame["site"].tolist()],
        "Date": frame["date"].tolist(),
        "Share of futures": cells(frame["share"]),
        "Part": frame["part"].tolist(),
    }
    fields = [Field("Policy", width=26), Field("Limit", width=44), Field("Where", width=22), Field("Date", "date", 12)]
    page.table("LimitsByDate", [*fields, Field("Share of futures", "ratio", 12), Field("Part", width=30)], columns)


def _places(result: Result) -> dict[str, str]:
    """Return a title of its own for each site, and for what stands for none."""
    names = named(zip(result.axes.site_ids, result.axes.site_names, strict=True))
    return names | {"nation": "The nation", "any site": "Any site", "outside": "Outside"}


def plan_pages(book: Book, told: Told) -> None:
    """Write the plan: its goals, who moves when and from where to where, and how it does beside the policies."""
    plan = told.result.planned
    if plan is None or told.suppress is not None:
        return
    titles, places = told.titles, _places(told.result)
    goals = plan.goals
    page = book.page("Plan", "The plan", ("Goals in order, on the mean path.", *plan.says.get("plan", ())))
    fields = [Field("Goal", width=46), Field("In the plan", "number", 16), Field("Best it could be", "number", 16)]
    page.table(
        "PlanGoals",
        [*fields, Field("Unit", width=16)],
        {
            "Goal": goals["goal"].tolist(),
            "In the plan": cells(goals["value"]),
            "Best it could be": cells(goals["best"]),
            "Unit": goals["unit"].tolist(),
        },
        goals["unit"].tolist(),
    )
    if len(plan.moves):
        _moves(book, plan.moves, places)
    if len(plan.judged):
        _judged(book, plan, titles)


def _moves(book: Book, moves: pd.DataFrame, places: Mapping[str, str]) -> None:
    notes: tuple[str, ...] = ("Whole people who start in the period of the date.",)
    if len(moves) > _END:
        notes = (*notes, f"The first {human(_END)} of {human(len(moves))} rows; all are in the run's folder.")
        moves = moves.head(_END)
    page = book.page("Plan moves", "Who moves under the plan", notes)
    columns: dict[str, Sequence[object]] = {
        "Choice": moves["title"].tolist(),
        "Kind": moves["kind"].tolist(),
        "From": [places.get(s, s) for s in moves["from_site"].tolist()],
        "To": [places.get(s, s) for s in moves["to_site"].tolist()],
        "Starts": moves["date"].tolist(),
        "Arrives": moves["arrives"].tolist(),
        "People": moves["people"].tolist(),
        "From stock": moves["tail"].tolist(),
        "To stock": moves["head"].tolist(),
    }
    fields = [Field("Choice", width=30), Field("Kind", width=11), Field("From", width=22), Field("To", width=22)]
    fields += [Field("Starts", "date"), Field("Arrives", "date"), Field("People", "whole", 10)]
    page.table("PlanMoves", [*fields, Field("From stock", width=24), Field("To stock", width=24)], columns)


def _judged(book: Book, plan: Planned, titles: Mapping[str, str]) -> None:
    frame = plan.judged.merge(plan.regret, on=["policy", "goal", "unit"], how="left", suffixes=("", "_worse"))
    page = book.page("Plan judged", "Every policy and the plan on the same futures", plan.says.get("judged", ()))
    heads = {
        "futures": ("Futures", "whole"),
        "promised": ("Promised", "number"),
        "on_mean": ("On the mean", "number"),
        "mean": ("Mean under chance", "number"),
        "q10": ("10 %", "number"),
        "q50": ("Median", "number"),
        "q90": ("90 %", "number"),
        "hidden": ("What the mean hid", "number"),
        "mean_worse": ("Worse than the plan, mean", "number"),
        "q10_worse": ("Worse, 10 %", "number"),
        "q50_worse": ("Worse, median", "number"),
        "q90_worse": ("Worse, 90 %", "number"),
        "better": ("Better than the plan in", "ratio"),
    }
    columns: dict[str, Sequence[object]] = {
        "Policy": frame["policy"].map(lambda p: titles.get(p, p)).tolist(),
        "Goal": frame["goal"].tolist(),
        "Unit": frame["unit"].tolist(),
    }
    fields = [Field("Policy", width=26), Field("Goal", width=34), Field("Unit", width=13)]
    for name, (head, kind) in heads.items():
        columns[head] = cells(frame[name])
        fields.append(Field(head, kind, 11.5))  # type: ignore[arg-type]
    page.table("PlanJudged", fields, columns, frame["unit"].tolist())


def needs_pages(book: Book, told: Told) -> None:
    """Write what is short under the plan, needs less available, and how likely needs are met."""
    plan = told.result.planned
    if plan is None or told.suppress is not None:
        return
    if plan.says.get("shortages") or len(plan.shortages):
        _shortages(book, plan)
    if len(plan.gaps):
        _gaps(book, plan, told)
    if len(plan.met):
        _met(book, plan, told)


def _shortages(book: Book, plan: Planned) -> None:
    frame = plan.shortages
    page = book.page("What is short", "What one more of each limit would be worth", plan.says.get("shortages", ()))
    if frame.empty:
        page.widths([32.0, 16.0, 12.0, 12.0, 20.0, 34.0])
        return
    columns: dict[str, Sequence[object]] = {
        "Limit": frame["limit"].tolist(),
        "Where": [("The nation" if s == "nation" else s) for s in frame["site"].tolist()],
        "From": frame["from"].tolist(),
        "To": frame["to"].tolist(),
        "Loosened by": frame["step"].tolist(),
        "Goal": frame["goal"].tolist(),
        "One more: better by": _finite(frame["one_more"]),
        "One less: worse by": _finite(frame["one_less"]),
        "Unit": frame["unit"].tolist(),
        "As good up to": _finite(frame["up_to"]),
        "Worth": _finite(frame["worth"]),
        "Worth in": frame["worth_unit"].tolist(),
        "Part": frame["part"].tolist(),
    }
    fields = [Field("Limit", width=32), Field("Where", width=16), Field("From", "date"), Field("To", "date")]
    fields += [Field("Loosened by", width=20), Field("Goal", width=34), Field("One more: better by", "number", 13)]
    fields += [Field("One less: worse by", "number", 13), Field("Unit", width=13), Field("As good up to", "number")]
    fields += [Field("Worth", "number"), Field("Worth in", width=10), Field("Part", width=28)]
    page.table("Shortages", fields, columns, frame["unit"].tolist())


def _finite(column: pd.Series[Any]) -> list[object]:
    """Return numbers; what has no end in words."""
    return ["no end" if value == float("inf") else value for value in cells(column)]


def _gaps(book: Book, plan: Planned, told: Told) -> None:
    frame, note = _fewer(told.result, plan.gaps, "`plan-gaps.parquet` in the run's folder")
    said = (*plan.says.get("gaps", ()), *note)
    page = book.page("Needs", "Needs less available, under the plan on the mean path", said)
    places = _places(told.result)
    columns: dict[str, Sequence[object]] = {
        "Need": frame["need"].tolist(),
        "Where": [places.get(s, s) for s in frame["site"].tolist()],
        "Date": frame["date"].tolist(),
        "Needed": cells(frame["needed"]),
        "There": cells(frame["there"]),
        "Gap": cells(frame["gap"]),
        "There of needed": cells(frame["fill_rate"]),
    }
    fields = [Field("Need", width=40), Field("Where", width=24), Field("Date", "date"), Field("Needed", "number")]
    fields += [Field("There", "number"), Field("Gap", "number"), Field("There of needed", "ratio", 12)]
    page.table("Needs", fields, columns, ["person"] * len(frame))


def _met(book: Book, plan: Planned, told: Told) -> None:
    frame, note = _fewer(told.result, plan.met, "`plan-met.parquet` in the run's folder")
    page = book.page(
        "Needs met",
        "How likely each need is met, by policy and date",
        ("Share of futures in which it is met at every site; mean of those short.", *note),
    )
    places, scenario = _places(told.result), told.result.scenario
    needs = {} if scenario is None else scenario.needs
    names = named((name, need.title or name.replace("_", " ")) for name, need in needs.items())
    columns: dict[str, Sequence[object]] = {
        "Policy": frame["policy"].map(lambda p: told.titles.get(p, p)).tolist(),
        "Need": [names.get(name, name) for name in frame["need"].tolist()],
        "Where": [places.get(s, s) for s in frame["site"].tolist()],
        "Date": frame["date"].tolist(),
        "Met in": cells(frame["met"]),
        "Short, mean": cells(frame["short"]),
    }
    fields = [Field("Policy", width=26), Field("Need", width=40), Field("Where", width=20), Field("Date", "date")]
    fields += [Field("Met in", "ratio"), Field("Short, mean", "number", 12)]
    page.table("NeedsMet", fields, columns, ["person"] * len(frame))


def as_day(text: str) -> object:
    """Return a date for an ISO date, and any other text as it is."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return text
