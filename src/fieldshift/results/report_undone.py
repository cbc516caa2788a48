"""What is left undone behind the desks: what waits, what lapses, which hours are lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from fieldshift.results.charts import dots
from fieldshift.results.report_data import choose, named, of_part, policy_titles, quoted, spread, top
from fieldshift.results.report_page import Block, Column, Control, Figure, Prose, Section, View, column, span
from fieldshift.results.report_words import rough, share
from fieldshift.results.result import Result

__all__ = ["undone_section"]


def undone_section(result: Result) -> Section | None:
    """Return what waits, what lapses and which hours are lost, work by work."""
    kept = of_part(result, "backlog")
    if not kept:
        return None
    frame, works = _work_frame(result)
    policies = list(policy_titles(result).values())
    blocks: list[Block] = [Prose((_undone_intro(frame, policies),))]
    if len(policies) > 1:
        work = choose("work", "Work", works)
        blocks += [work, _dots(frame, work, "waiting"), _dots(frame, work, "lapsed")]
    policy = choose("policy", "Policy", policies)
    blocks += [policy, _work_table(frame, policy), *_hours(result, policy)]
    return Section("undone", "What is left undone behind the desks", tuple(blocks), "Left undone")


def _work_frame(result: Result) -> tuple[pd.DataFrame, list[str]]:
    waits, lapses = of_part(result, "backlog"), of_part(result, "undone")
    behind = _behind_desks(result)
    order = sorted(waits, key=lambda w: w not in behind)
    names = named((w, waits[w].title.partition(": ")[2] or w) for w in order)
    rows = []
    for policy, title in policy_titles(result).items():
        for work in order:
            stats = result.summary(policy, *waits[work].key)
            row = {
                "policy": title,
                "work": names[work],
                "desk": "yes" if work in behind else "",
                "now": float(stats["q50"].iloc[0]),
            }
            row |= {f"waiting_{q}": float(stats[q].iloc[-1]) for q in ("q10", "q50", "q90")}
            total = spread(np.zeros(0))
            if work in lapses:
                total = _total(result, policy, lapses[work].key)
            rows.append(row | {f"lapsed_{q}": v for q, v in total.items()})
    return pd.DataFrame(rows), [names[w] for w in order]


def _total(result: Result, policy: str, key: tuple[str, str]) -> dict[str, float]:
    """Return the spread of a sum over the whole time; of the mean alone where the futures were not stored."""
    if key in result.part(policy).draws:
        return spread(result.values(policy, *key).astype(np.float64).sum(axis=1))
    return {"q10": float("nan"), "q50": float(result.stats(policy, *key)[0].sum()), "q90": float("nan")}


def _behind_desks(result: Result) -> set[str]:
    """Return the work that people at desks serve."""
    if result.scenario is None:
        return set()
    desks = {name for name, stock in result.scenario.stocks.items() if stock.duty == "desk"}
    found = set()
    for name, work in result.scenario.work.items():
        by = (work.by,) if isinstance(work.by, str) else tuple(work.by)
        if desks & set(by):
            found.add(name)
    return found


def _undone_intro(frame: pd.DataFrame, policies: list[str]) -> str:
    desk = frame[(frame["desk"] == "yes")]
    text = "People who leave a desk leave its work. "
    if desk.empty:
        return text + "In this scenario no work is served from desks, as far as the duties of its stocks say."
    base = desk[desk["policy"] == policies[0]].set_index("work")["waiting_q50"]
    gain = desk.assign(more=desk["waiting_q50"] - desk["work"].map(base))
    row = top(gain.fillna({"more": 0.0}), "more")
    if not row["more"] > 0:
        return text + f"No policy leaves more of it waiting at the end than {quoted(policies[0])}."
    return text + (
        f"The most is left by {quoted(row['policy'])}: {rough(row['waiting_q50'])} of {quoted(row['work'])} wait "
        f"at the end, {rough(row['more'])} more than under {quoted(policies[0])} (medians)."
    )


def _dots(frame: pd.DataFrame, work: Control, what: str) -> Figure:
    """Return what waits at the end, or what lapsed in all, of one work under each policy."""
    names = {f"{what}_{q}": q for q in ("q10", "q50", "q90")}
    mine = frame[["policy", "work", *names]].rename(columns=names)
    mine = mine[mine["q50"].notna()].reset_index(drop=True)
    views = {}
    for name, _ in work.options:
        rows = mine[mine["work"] == name]
        views[name] = View(_dots_say(rows, name), "cases", span(rows, "q10", "q90"))
    title = "Waiting at the end" if what == "waiting" else "Lapsed undone, all periods together"
    policies = list(dict.fromkeys(frame["policy"]))
    columns = column([("policy", "Policy", "text"), ("q50", "Median"), ("q10", "10 %"), ("q90", "90 %")])
    return Figure(
        what,
        title,
        dots(policies, zero=False),
        (what, mine),
        columns,
        views,
        (work,),
        shared=frozenset({"work"}),
        half=True,
    )


def _dots_say(rows: pd.DataFrame, work: str) -> str:
    if rows.empty:
        return f"{work}: none lapses undone."
    high, low = top(rows, "q50"), top(rows, "q50", least=True)
    if rough(high["q50"]) == rough(low["q50"]):
        return f"{work}: {rough(high['q50'])} under every policy."
    most, least = (f"{quoted(row['policy'])}, {rough(row['q50'])}" for row in (high, low))
    return f"{work}: most under {most}; least under {least}."


def _work_table(frame: pd.DataFrame, policy: Control) -> Figure:
    columns = (
        Column("work", "Work", "text"),
        Column("desk", "Behind desks", "text"),
        Column("now", "Waiting, now"),
        Column("waiting_q50", "At the end"),
        Column("waiting_q10", "10 %"),
        Column("waiting_q90", "90 %"),
        Column("lapsed_q50", "Lapsed undone"),
        Column("lapsed_q10", "10 %"),
        Column("lapsed_q90", "90 %"),
    )
    views = {
        p: View(f"All kinds of work under {quoted(p)}.", "cases; medians and 80 % bands") for p, _ in policy.options
    }
    return Figure(
        "work", "Work by kind", None, ("work", frame), columns, views, (policy,), shared=frozenset({"policy"})
    )


def _hours(result: Result, policy: Control) -> Iterator[Figure]:
    """Yield the share of paid hours that served no work, by stock."""
    kept = of_part(result, "utilisation")
    if not kept:
        return
    rows = []
    names = named((s, "All who serve" if not s else kept[s].title.partition(": ")[2] or s) for s in kept)
    for name, title in policy_titles(result).items():
        for stock, entry in kept.items():
            stats = result.summary(name, *entry.key)
            for when, t in (("first", 0), ("last", -1)):
                row = {"policy": title, "stock": names[stock], "when": f"{when} {result.axes.step}"}
                idle = {f"q{100 - int(q[1:])}": 1.0 - float(stats[q].iloc[t]) for q in ("q10", "q50", "q90")}
                rows.append(row | idle | {"mean": 1.0 - float(stats["mean"].iloc[t])})
    frame = pd.DataFrame(rows)
    columns = (
        Column("stock", "People", "text"),
        Column("when", "When", "text"),
        Column("q50", "Not used, median", "percent"),
        Column("q10", "10 %", "percent"),
        Column("q90", "90 %", "percent"),
    )
    measured = "share of hours of people present that served no work"
    views = {p: View(_hours_say(frame[frame["policy"] == p], p), measured) for p, _ in policy.options}
    yield Figure(
        "hours",
        "Hours lost",
        None,
        ("hours", frame),
        columns,
        views,
        (policy,),
        shared=frozenset({"policy"}),
        note="Hours are lost where no case waits, or where a part of a crew is left over.",
    )


def _hours_say(rows: pd.DataFrame, policy: str) -> str:
    last = rows[rows["when"].str.startswith("last")].dropna(subset=["q50"])
    if last.empty:
        return f"Nobody who serves work is present at the end under {quoted(policy)}."
    row = top(last, "q50")
    lost = f"{quoted(row['stock'])}: {share(row['q50'])} of their hours"
    return f"Under {quoted(policy)}, most is lost at the end by {lost}."
