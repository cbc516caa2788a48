"""The page of an exploration: one HTML file, and everything as JSON beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from fieldshift.network.build import build
from fieldshift.results.charts_drives import shares, tornado
from fieldshift.results.report import report
from fieldshift.results.report_html import Parts
from fieldshift.results.report_page import Block, Cell, Figure, Key, Prose, Section, Table, View, column, span
from fieldshift.results.report_parts import report_parts
from fieldshift.results.report_words import rough, share
from fieldshift.results.result import Result
from fieldshift.results.shelf import written
from fieldshift.scenario.schema import Scenario
from fieldshift.study.exploration import KNOWN_ALL, Exploration

__all__ = ["exploration_page", "exploration_parts", "sections"]

_SHOWN = 12
"""Unknowns that a chart or a table of the page names."""

_TOLD = 0.005
"""A share under this is not told."""

_METHODS = (
    """Spread: the law of total variance over points of the unknowns, luck within and ignorance between (Searle and
    others 1992). Shares of ignorance: Sobol indices (Sobol' 1993, Homma and Saltelli 1996) of a sparse polynomial
    fitted to the points (Sudret 2008, Blatman and Sudret 2011), with terms in one or two unknowns, checked by
    cross-validation; intervals by the Bayesian bootstrap (Rubin 1981).""",
    """Worth of knowing: Raiffa and Schlaifer (1961); of one unknown by regression (Strong, Oakley and Brennan 2014).
    Corner of failure: PRIM (Friedman and Fisher 1999) as in scenario discovery (Bryant and Lempert 2010), over the six
    unknowns that differ most between failure and success. Regret: Savage (1951).""",
)


def exploration_page(exploration: Exploration, scenario: Scenario, folder: str | Path) -> Path:
    """Write an exploration's page and its JSON into a folder, each whole and renamed into place.

    Args:
        exploration: The exploration.
        scenario: The scenario that it is of.
        folder: The folder: that of its points, or another one.

    Returns:
        The page, `report.html`; `exploration.json` stands beside it.
    """
    written(Path(folder) / "exploration.json", exploration.as_json().encode())
    return report(_shown(exploration, scenario), Path(folder) / "report.html", sections(exploration))


def exploration_parts(exploration: Exploration, scenario: Scenario) -> Parts:
    """Return the content of an exploration's page for another page."""
    return report_parts(_shown(exploration, scenario), sections(exploration))


def _shown(exploration: Exploration, scenario: Scenario) -> Result:
    """Return a run without numbers that tells a page what the exploration is of."""
    facts = exploration.facts
    return Result.of(
        scenario,
        build(scenario),
        {},
        draws=int(facts["points"]) * int(facts["futures"]),
        seed=int(facts["seed"]),
        groups=int(facts["points"]),
        engine="numba",
        digest=str(facts["digest"]),
    )


def sections(found: Exploration) -> list[Section]:
    """Return the sections of the page."""
    about = (
        f"{found.aim.title}, in {found.aim.unit}: every policy at {found.facts['points']} points of what is not known, "
        f"{found.facts['futures']} futures at each."
    )
    made = [
        Section("answer", "What drives the answer", (Prose((found.sentences()[1],), "lead"), *_points(found))),
        Section("spread", "Luck and ignorance", (Prose((about,)), _luck(found)), "Luck and ignorance"),
        Section("drivers", "Which unknowns it comes from", tuple(_drivers(found)), "Which unknowns"),
        Section("worth", "What knowing is worth", tuple(_worth(found)), "What to measure"),
        Section("regret", "Which policy is least regretted", (_regret(found),), "Regret"),
        Section("fails", "Where policies fail", tuple(_fails(found)), "Where policies fail"),
    ]
    if len(found.levers):
        made.append(Section("levers", "Levers and unknowns", tuple(_levers(found)), "Levers"))
    made.append(Section("methods", "Methods", (Prose(tuple(" ".join(text.split()) for text in _METHODS), "note"),)))
    return made


def _points(found: Exploration) -> Iterator[Block]:
    said = found.sentences()
    yield Prose((said[0], *said[2:]), "list")


def _numbers(value: float) -> Cell:
    return Cell(rough(value), float(value) if value == value else None)  # noqa: PLR0124 - NaN has no order


def _percent(value: float) -> Cell:
    return Cell(share(value), float(value) if value == value else None)  # noqa: PLR0124 - NaN has no order


def _luck(found: Exploration) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for aim in found.aims:
        rows.append((Cell(aim.title, small=aim.unit),))
        mine = found.luck[found.luck["aim"] == aim.name]
        mine = mine if aim == found.aim else mine[mine["policy"] == found.policy]
        for r in mine.to_dict("records"):
            middle = Cell(rough(r["mean"]), small=f"{rough(r['q10'])} to {rough(r['q90'])}")
            shares_ = _percent(r["ignorance"]), _percent(1.0 - r["ignorance"]), _percent(r["band"])
            rows.append((Cell(found.policies[r["policy"]]), middle, *shares_))
    heads = ("Policy", "Mean, 80 % band", "Ignorance", "Luck", "Ignorance, of the band’s width")
    return Table("luck", "How much of the spread is luck", heads, tuple(rows), frozenset(range(1, 5)))


def _drivers(found: Exploration) -> Iterator[Block]:
    rows = found.drivers_of()
    fit = float(rows["fit"].iloc[0])
    rows = pd.concat([rows.head(1), rows.iloc[1:_SHOWN][lambda kept: kept["total"] >= _TOLD]])
    about = (
        f"Shares of ignorance under “{found.policies[found.policy]}”, the policy that is least regretted. Alone: what "
        "would go if this unknown were known. With all it does: what would stay if all others were known. The "
        f"polynomial behind them foretells {share(max(fit, 0.0))} of the spread of points that it has not seen."
    )
    yield Prose((about,))
    kinds = {"total": "with all it does", "first": "alone"}
    for kind, title in kinds.items():
        names = {"value": kind, "value_low": f"{kind}_low", "value_high": f"{kind}_high"}
        frame = pd.DataFrame({"unknown": rows["title"], **{n: 100.0 * rows[c] for n, c in names.items()}})
        yield Figure(
            f"share-{kind}",
            f"Share of the ignorance, {title}",
            shares(list(frame["unknown"])),
            (f"share-{kind}", frame),
            column(
                [("unknown", "Unknown", "text"), ("value", "%"), ("value_low", "At least"), ("value_high", "At most")]
            ),
            {"": View(_shares_say(frame), "per cent; whiskers hold 80 %", {"lo": 0.0, "hi": 100.0})},
            half=True,
        )
    if len(found.tornado):
        yield Key(("low end", "high end"), "area")
        yield _tornado(found)


def _shares_say(frame: pd.DataFrame) -> str:
    top = frame.sort_values("value", ascending=False, kind="stable").iloc[0]
    return f"Most: {top['unknown']}, {rough(top['value'])} % ({rough(top['value_low'])} to {rough(top['value_high'])})."


def _tornado(found: Exploration) -> Figure:
    rows = found.tornado.head(_SHOWN)
    pieces = [
        {
            "unknown": r["title"],
            "end": f"{end} end",
            "written": r[end],
            "value": r[f"at_{end}"],
            "value_centre": r["centre"],
        }
        for r in rows.to_dict("records")
        for end in ("low", "high")
    ]
    frame = pd.DataFrame(pieces)
    ends = span(
        frame.assign(
            least=frame[["value", "value_centre"]].min(axis=1), most=frame[["value", "value_centre"]].max(axis=1)
        ),
        "least",
        "most",
        zero=False,
    )
    first = rows.iloc[0]
    says = (
        f"{first['title']} moves it most: {rough(first['at_low'])} at {first['low']}, {rough(first['at_high'])} at "
        f"{first['high']}, where {rough(first['centre'])} is the centre."
    )
    return Figure(
        "tornado",
        f"Each unknown to its ends, under “{found.policies[found.policy]}”",
        tornado(list(rows["title"]), found.aim.title),
        ("tornado", frame),
        column(
            [
                ("unknown", "Unknown", "text"),
                ("end", "End", "text"),
                ("written", "There it is", "text"),
                ("value", found.aim.title),
            ]
        ),
        {"": View(says, found.aim.unit, ends)},
        note=f"The other unknowns stay at their centres; means of {found.facts['ends']} futures that share their luck.",
    )


def _worth(found: Exploration) -> Iterator[Block]:
    known = found.information
    known = known[(known["value"] > 0) | (known["unknown"] == KNOWN_ALL)]
    order = known.sort_values(["value", "unknown"], ascending=[False, True], kind="stable").head(_SHOWN + 1)
    rows = []
    for r in order.to_dict("records"):
        title = "Everything" if r["unknown"] == KNOWN_ALL else str(r["title"])
        value = Cell(found.quantity(r["value"]), r["value"], f"{rough(r['low'])} to {rough(r['high'])}")
        rows.append((Cell(title), value, _percent(r["changes"]), Cell(str(r["rule"]))))
    about = (
        "What the answer would gain, on average, if one knew before choosing a policy; and in what share of futures "
        "another policy would then be chosen. What is not named would gain nothing."
    )
    yield Prose((about,))
    heads = ("Known", "Worth, 80 % interval", "Changes the choice", "What to do then")
    yield Table("worth-table", "What knowing is worth", heads, tuple(rows), frozenset({1, 2}))


def _regret(found: Exploration) -> Table:
    rows = []
    for r in found.regret.sort_values(["worst", "policy"], kind="stable").to_dict("records"):
        numbers = [_numbers(r[name]) for name in ("mean", "regret", "worst_tenth", "worst")]
        rows.append((Cell(found.policies[r["policy"]]), *numbers, _percent(r["best_in"])))
    heads = ("Policy", "Mean", "Missed, mean", "Missed, worst tenth", "Missed at worst", "Best in")
    title = f"{found.aim.title}, and what each policy misses of the best, in {found.aim.unit}"
    return Table("regret-table", title, heads, tuple(rows), frozenset(range(1, 6)), sortable=True)


def _fails(found: Exploration) -> Iterator[Block]:
    way = "more" if found.aim.sign > 0 else "less"
    yield Prose((f"A policy fails where it makes {way} than {rough(found.facts['threshold'])} {found.aim.unit}.",))
    rows: list[tuple[Cell, ...]] = []
    for policy, mine in found.boxes.groupby("policy", sort=False):
        first = mine.iloc[0]
        sides = [r for r in mine.to_dict("records") if r["side"]]
        said = "; ".join(f"{r['title']}: {r['low']} to {r['high']}" for r in sides) or "no corner is telling"
        shares_ = [_percent(first[name]) for name in ("failing", "coverage", "density")]
        chance = Cell("–" if not sides else f"{max(r['chance'] for r in sides):.1g}")
        rows.append((Cell(found.policies[str(policy)]), *shares_, Cell(said), chance))
    heads = ("Policy", "Fails in", "Of these in the box", "Fails in the box", "The box", "Largest quasi-p")
    yield Table("boxes", "Boxes of unknowns in which policies fail", heads, tuple(rows), frozenset({1, 2, 3, 5}))


def _levers(found: Exploration) -> Iterator[Block]:
    columns = list(dict.fromkeys((r["unknown"], r["at"]) for r in found.levers.to_dict("records")))
    rows = []
    for (lever, setting), mine in found.levers.groupby(["lever", "setting"], sort=False):
        by = {(r["unknown"], r["at"]): r["value"] for r in mine.to_dict("records")}
        rows.append((Cell(f"{lever} {setting}"), *(_numbers(by[c]) if c in by else Cell("–") for c in columns)))
    heads = ["Lever", *("As believed" if not u else f"{found.titles[u]}, {at}" for u, at in columns)]
    title = f"{found.aim.title} under “{found.policies[found.policy]}”, {found.aim.unit}"
    yield Table("levers-table", title, tuple(heads), tuple(rows), frozenset(range(1, len(heads))))
