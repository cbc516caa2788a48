"""The plan in the report: who moves, from where to where, when; what it makes of the goals; what it is worth."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from fieldshift.results.axes import NATION
from fieldshift.results.charts import stack
from fieldshift.results.charts_flow import flow, flow_rows
from fieldshift.results.planned import OUTSIDE_NAME, Planned, arriving
from fieldshift.results.report_data import choose, months, named, thin
from fieldshift.results.report_page import Block, Cell, Figure, Key, Prose, Section, Table, View, column, span
from fieldshift.results.report_words import band, date, human, joined, rough, share
from fieldshift.results.result import Result

__all__ = ["plan_section", "shortages_section"]

_SHOWN = 8
_MOVES = [
    ("start", "From", "text"),
    ("end", "To", "text"),
    ("people", "People"),
    ("first", "First start", "date"),
    ("last", "Last start", "date"),
]


def plan_section(result: Result) -> Section | None:
    """Return who moves under the plan, and what it makes of the goals."""
    plan = result.planned
    if plan is None:
        return None
    blocks: list[Block] = [Prose(plan.says.get("plan", ()), "text")]
    blocks += [_goals(plan)]
    if len(arriving(plan.moves)):
        blocks += _moved(result, plan)
    blocks += _judged(result, plan)
    return Section("plan", "The plan", tuple(blocks), "The plan")


def shortages_section(result: Result) -> Section | None:
    """Return what is short under the plan: what one more of each limit is worth, and where needs are not met."""
    plan = result.planned
    if plan is None or not (plan.says.get("shortages") or plan.says.get("gaps")):
        return None
    blocks: list[Block] = []
    if plan.says.get("shortages"):
        blocks.append(Prose(plan.says["shortages"], "list"))
    if len(plan.shortages):
        blocks.append(_shortages(plan.shortages))
    if plan.says.get("gaps"):
        blocks.append(Prose(plan.says["gaps"], "list"))
    return Section("short", "What is short", tuple(blocks), "What is short")


def _goals(plan: Planned) -> Table:
    rows = tuple(
        (
            Cell(str(r["goal"])),
            Cell(human(float(r["value"])), float(r["value"])),
            Cell(human(float(r["best"])), float(r["best"])),
            Cell(str(r["unit"])),
        )
        for r in plan.goals.to_dict("records")
    )
    heads = ("Goal, in order", "In the plan", "Best it could be", "Unit")
    return Table("plan-goals", "What the plan makes of the goals, on the mean", heads, rows, frozenset({1, 2}))


def _titles(result: Result) -> dict[str, str]:
    """Return a reader's name of each stock."""
    stocks = {} if result.scenario is None else result.scenario.stocks
    return {
        **{f"{n}.new": f"{s.title or n}, new" for n, s in stocks.items()},
        OUTSIDE_NAME: "Outside",
        **named((n, s.title or n.replace("_", " ").capitalize()) for n, s in stocks.items()),
    }


def _moved(result: Result, plan: Planned) -> Iterator[Block]:
    moves = arriving(plan.moves)
    titles = named(
        (c, t) for c, t in dict(zip(moves["choice"].astype(str), moves["title"].astype(str), strict=True)).items()
    )
    stocks = _titles(result)
    order = moves.groupby("choice")["people"].sum().sort_values(ascending=False).index[:_SHOWN]
    groups = [titles[c] for c in order]
    said = moves.assign(
        group=moves["choice"].map(titles),
        start=[stocks.get(s, s.replace("_", " ")) for s in moves["tail"]],
        end=[stocks.get(s, s.replace("_", " ")) for s in moves["head"]],
    )
    yield _over_time(result, said, groups)
    yield _flow(said, groups)
    yield _between(result, said, groups)


def _over_time(result: Result, said: pd.DataFrame, groups: list[str]) -> Figure:
    instants = pd.DatetimeIndex(pd.to_datetime(list(result.axes.instants)))
    table = said.pivot_table(index="date", columns="group", values="people", aggfunc="sum")
    table = table.reindex(instants, fill_value=0).fillna(0).cumsum().iloc[thin(len(instants), 53)]
    pieces = [
        pd.DataFrame({"date": table.index, "group": g, "rank": i, "mean": table[g].to_numpy()})
        for i, g in enumerate(groups)
    ]
    frame = pd.concat(pieces, ignore_index=True)
    total = frame.groupby("date")["mean"].sum().reset_index()
    told = [f"{g} ({human(float(table[g].to_numpy()[-1]))})" for g in groups]
    return Figure(
        "plan-starts",
        "People who have started, by choice",
        stack(groups, months(result)),
        ("plan-starts", frame),
        column([("date", "Date", "date"), ("group", "Choice", "text"), ("mean", "Started to date")]),
        {"": View(f"By the end, {joined(told)}.", "people, to date", span(total, "mean", "mean"))},
        key=Key(tuple(groups), "area"),
    )


def _flow(said: pd.DataFrame, groups: list[str]) -> Figure:
    sums = said[said["group"].isin(groups)].groupby(["group", "start", "end"], sort=False)["people"].sum()
    moves = sums.reset_index().sort_values(["start", "people"], ascending=[True, False], ignore_index=True)
    frame = flow_rows(moves)
    largest = max(moves.to_dict("records"), key=lambda row: float(row["people"]))
    says = (
        f"The widest band: {human(float(largest['people']))} from {largest['start']} to {largest['end']} "
        f"({largest['group']})."
    )
    height = 80 + 60 * max(moves["start"].nunique(), moves["end"].nunique())
    return Figure(
        "plan-flow",
        "From where to where",
        flow(height, groups),
        ("plan-flow", frame),
        column([("group", "Choice", "text"), ("start", "From", "text"), ("end", "To", "text"), ("people", "People")]),
        {"": View(says, "people over the whole horizon; a band is as thick as the people it carries")},
        key=Key(tuple(groups), "area"),
        note="Those who fail or drop out on the way are in the band all the same.",
    )


def _between(result: Result, said: pd.DataFrame, groups: list[str]) -> Figure:
    names = dict(zip(result.axes.site_ids, result.axes.site_names, strict=True)) | {NATION: "The nation"}
    places = said.assign(start=said["from_site"].map(names), end=said["to_site"].map(names))
    frame = (
        places[places["group"].isin(groups)]
        .groupby(["group", "start", "end"], sort=False)
        .agg(people=("people", "sum"), first=("date", "min"), last=("date", "max"))
        .reset_index()
        .sort_values(["group", "people"], ascending=[True, False], ignore_index=True)
    )
    views = {}
    for group in groups:
        mine = frame[frame["group"] == group]
        top = mine.head(3)
        told = [f"{human(float(r['people']))} from {r['start']} to {r['end']}" for r in top.to_dict("records")]
        views[group] = View(f"Most: {joined(told)}.", "people over the whole horizon")
    return Figure(
        "plan-sites",
        "Between offices",
        None,
        ("plan-sites", frame),
        column(_MOVES),  # type: ignore[arg-type]
        views,
        (choose("group", "Choice", groups),),
    )


def _judged(result: Result, plan: Planned) -> Iterator[Block]:
    frame = plan.judged
    if frame.empty:
        return
    if plan.says.get("judged"):
        yield Prose(plan.says["judged"], "list")
    titles = dict(result.titles)
    rows: list[tuple[Cell, ...]] = []
    for goal, mine in frame.groupby("goal", sort=False):
        rows.append((Cell(f"{goal} [{mine['unit'].iloc[0]}]"),))
        rows.extend(
            (
                Cell(titles.get(str(r["policy"]), str(r["policy"]))),
                Cell(human(float(r["on_mean"])), float(r["on_mean"])),
                Cell(human(float(r["mean"])), float(r["mean"]), band(float(r["q10"]), float(r["q90"]))),
                Cell(human(float(r["hidden"])), float(r["hidden"])),
                *_regret(plan.regret, str(r["policy"]), str(goal)),
            )
            for r in mine.to_dict("records")
        )
    heads = ("Policy", "On the mean", "Under chance (8 in 10)", "What the mean hid", "Worse than the plan", "Better in")
    yield Table(
        "plan-judged", "Every policy and the plan on the same futures", heads, tuple(rows), frozenset(range(1, 6))
    )


def _regret(frame: pd.DataFrame, policy: str, goal: str) -> tuple[Cell, Cell]:
    mine = frame[(frame["policy"] == policy) & (frame["goal"] == goal)] if len(frame) else frame
    if mine.empty:
        return Cell("–"), Cell("–")
    row = mine.iloc[0]
    worse = Cell(rough(float(row["mean"])), float(row["mean"]), band(float(row["q10"]), float(row["q90"])))
    return worse, Cell(share(float(row["better"])), float(row["better"]))


def _shortages(frame: pd.DataFrame) -> Table:
    rows = tuple(
        (
            Cell(str(r["limit"]), small="" if r["site"] == NATION else str(r["site"])),
            Cell(str(r["step"]), small=f"{_day(r['from'])} to {_day(r['to'])}"),
            Cell(f"{human(float(r['one_more']))} {r['unit']} less", float(r["one_more"]), str(r["goal"])),
            Cell(f"{human(float(r['one_less']))} more", float(r["one_less"])),
            Cell(f"{rough(float(r['worth']))} {r['worth_unit']}", float(r["worth"])),
        )
        for r in frame.to_dict("records")
    )
    heads = ("Limit", "Loosened by", "One more", "One less", "Worth")
    return Table("shortages", "What one more would be worth, limit by limit", heads, rows, frozenset({2, 3, 4}))


def _day(value: object) -> str:
    return date(pd.Timestamp(str(value)))
