"""What bound: which limit cut requests, when, where, and in how many futures."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterator

import numpy as np
import pandas as pd

from fieldshift.results.charts_places import grid, strip
from fieldshift.results.report_data import choose, limit_title, months, named, policy_titles, quoted, thin
from fieldshift.results.report_page import Block, Control, Figure, Prose, Section, View, column
from fieldshift.results.report_words import date, joined, share
from fieldshift.results.result import Result

__all__ = ["bound_section"]

_MOST = 20
_BINS = 40
_INTRO = (
    "A policy asks; seats, beds, posts, people and money answer. A limit binds in a period if it cuts a request then. "
    "Ink in the strip is the share of futures in which it did."
)


def bound_section(result: Result) -> Section:
    """Return the strip of limits by time and the grid of limits by site."""
    found = result.bound_table()
    title = "What bound, when and where"
    if found.empty:
        text = "No limit and no line of money cut anything that a policy asked for, in any future."
        return Section("bound", title, (Prose((text,)),), "What bound")
    found = _titled(found, result)
    policies = list(policy_titles(result).values())
    over_time, limits = _over_time(found, result)
    ends = {"lo": _milliseconds(result.axes.instants[0]), "hi": _milliseconds(result.axes.instants[-1])}
    control = choose("policy", "Policy", policies, _busiest(over_time, policies))
    figure = Figure(
        "strip",
        "When each limit bound",
        strip(limits, months(result)),
        ("strip", over_time),
        column([("limit", "Limit", "text"), ("date", "From", "date"), ("share", "Share of futures", "percent")]),
        {p: View(_says(over_time[over_time["policy"] == p], p, result), "", ends) for p in policies},
        (control,),
        shared=frozenset({"policy"}),
    )
    where = _by_site(found, result, control)
    blocks: tuple[Block, ...] = (Prose((_INTRO,)), control, figure)
    if where is not None:
        blocks = (*blocks, where)
    return Section("bound", title, blocks, "What bound")


def _milliseconds(day: dt.date) -> int:
    return round(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp() * 1000)


def _busiest(frame: pd.DataFrame, policies: list[str]) -> int:
    """Return the index of the policy under which most binds: the first one to look at."""
    return policies.index(str(frame.groupby("policy", sort=False)["share"].sum().idxmax()))


def _titled(found: pd.DataFrame, result: Result) -> pd.DataFrame:
    pairs = dict(zip(found["part"], found["title"], strict=True))
    titles = named((str(part), limit_title(str(title)) or str(part)) for part, title in pairs.items())
    return found.assign(limit=found["part"].map(titles), policy=found["policy"].map(policy_titles(result)))


def _over_time(found: pd.DataFrame, result: Result) -> tuple[pd.DataFrame, list[str]]:
    """Return the mean share of futures in each of some spans of time, and the limits, most often bound first."""
    wide = set(found.loc[found["site"] == "any site", "limit"])
    mine = found[(found["site"] == "any site") | ~found["limit"].isin(wide)]
    limits = mine.groupby("limit")["share"].sum().sort_values(ascending=False).index[:_MOST].tolist()
    starts = pd.DatetimeIndex(pd.to_datetime(list(result.axes.instants)))
    edges = thin(len(starts), _BINS + 1)
    size = dict(zip(edges[:-1], np.diff(edges).tolist(), strict=True))
    place = np.searchsorted(starts.to_numpy(), mine["date"].to_numpy(), side="left")
    bins = np.array(edges)[np.searchsorted(edges, place, side="right") - 1]
    summed = mine.assign(bin=bins).groupby(["policy", "limit", "bin"], sort=False)["share"].sum().reset_index()
    summed = summed[summed["limit"].isin(limits)]
    summed["share"] = summed["share"] / summed["bin"].map(size)
    after = dict(itertools.pairwise(edges))
    summed["date"] = starts[summed["bin"].to_numpy()]
    summed["until"] = starts[summed["bin"].map(after).to_numpy()]
    order = {p: i for i, p in enumerate(policy_titles(result).values())}
    ranks = {limit: i for i, limit in enumerate(limits)}
    summed = summed.sort_values(
        ["policy", "limit", "bin"],
        key=lambda c: c.map(order if c.name == "policy" else ranks) if c.name != "bin" else c,
    )
    return summed[["policy", "limit", "date", "until", "share"]].reset_index(drop=True), limits


def _says(rows: pd.DataFrame, policy: str, result: Result) -> str:
    if rows.empty:
        return f"Under {quoted(policy)} nothing binds."
    names = {title: p for p, title in policy_titles(result).items()}
    first = result.bound_first([names[policy]])
    told = [
        f"{limit_title(str(r.title))} (bound first in {share(float(str(r.led)))} of futures, ever bound in "
        f"{share(float(str(r.ever)))}, for the first time around {date(r.date)})"
        for r in first.head(3).itertuples()
    ]
    return f"Under {quoted(policy)}: {joined(told)}."


def _by_site(found: pd.DataFrame, result: Result, control: Control) -> Figure | None:
    mine = found[~found["site"].isin(["any site", "nation"])]
    if mine.empty:
        return None
    names = dict(zip(result.axes.site_ids, result.axes.site_names, strict=True))
    titles = named((i, names[i]) for i in result.site_ids)
    periods = len(result.axes.instants) - 1
    frame = (mine.groupby(["policy", "limit", "site"], sort=False)["share"].sum() / periods).reset_index()
    limits = frame.groupby("limit")["share"].sum().sort_values(ascending=False).index[:8].tolist()
    frame = frame[frame["limit"].isin(limits)]
    frame = frame.assign(site=frame["site"].map(titles))
    sites = [titles[i] for i in result.site_ids if titles[i] in set(frame["site"])]
    policies = list(policy_titles(result).values())
    frame = frame[["policy", "limit", "site", "share"]].reset_index(drop=True)
    return Figure(
        "where",
        "Where it bound",
        grid(sites, limits),
        ("where", frame),
        column([("site", "Site", "text"), ("limit", "Limit", "text"), ("share", "Share", "percent")]),
        dict(_where_views(frame, policies)),
        (control,),
        shared=frozenset({"policy"}),
    )


def _where_views(frame: pd.DataFrame, policies: list[str]) -> Iterator[tuple[str, View]]:
    for policy in policies:
        mine = frame[frame["policy"] == policy]
        text = f"Under {quoted(policy)} no limit of a single site binds."
        if not mine.empty:
            top = mine.sort_values("share", ascending=False).head(3)
            told = [f"{r.limit} in {r.site} ({share(float(str(r.share)))})" for r in top.itertuples()]
            text = f"Under {quoted(policy)}, most often: {joined(told)}."
        yield policy, View(text, "share of all periods and futures")
