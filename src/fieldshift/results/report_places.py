"""The offices: on a map with a slider of dates, and in a table to sort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.results.axes import Entry
from fieldshift.results.charts_places import TERRITORIES, in_us, office_map
from fieldshift.results.quantiles import STATS
from fieldshift.results.report_data import choose, of_part, policy_titles, quoted, thin, top
from fieldshift.results.report_page import Column, Control, Figure, Prose, Section, View
from fieldshift.results.report_words import date, human, joined, rough, scaled, unit
from fieldshift.results.result import Result

__all__ = ["map_section", "offices_section"]

Values = npt.NDArray[np.float64]

_MIDDLE = STATS.index("q50")
_SCALE = "Circles grow with the people on board (mean). The colours mean the same on all dates and under all policies."
_MAP_NUMBERS = 24_000
_WORKS = 3


def _site(result: Result, policy: str, entry: Entry, stat: int = _MIDDLE) -> Values | None:
    """Return a statistic of a measure by site in the unit that a reader sees, (time, site); None if it was not kept."""
    if entry.key not in result.part(policy).sites:
        return None
    found = result.site_stats(policy, *entry.key)[stat].astype(np.float64) * scaled(entry.unit)
    return np.asarray(found if entry.instant else np.concatenate([found[:1], found]))


def _places(result: Result) -> pd.DataFrame:
    """Return id, name, region, latitude and longitude of each site, in the planner's order."""
    given = {} if result.scenario is None else {s.id: s for s in result.scenario.sites}
    names = dict(zip(result.axes.site_ids, result.axes.site_names, strict=True))
    listed = [names[i] for i in result.site_ids]
    rows = []
    for i in result.site_ids:
        site, name = given.get(i), names[i]
        lat, lon = (site.lat, site.lon) if site is not None else (None, None)
        region = (site.region or "") if site is not None else ""
        rows.append((i, name if listed.count(name) == 1 else f"{name} ({i})", region, lat, lon))
    frame = pd.DataFrame(rows, columns=["id", "office", "region", "lat", "lon"])
    return frame.astype({"lat": float, "lon": float})


def _of_map(result: Result, policy: str) -> Iterator[tuple[str, str, Values]]:
    """Yield what offices can be coloured by: title, unit, value (time, site)."""
    for name in ("fill_rate", "manning"):
        entry = of_part(result, name).get("")
        value = None if entry is None else _site(result, policy, entry)
        if entry is not None and value is not None:
            yield entry.title, "per cent of posts", value
    heads = _heads(result, policy)
    for entry in _works(result):
        value = _site(result, policy, entry, 0)
        if value is not None and heads is not None:
            ratio = np.divide(value, heads, out=np.full_like(value, np.nan), where=heads >= 0.5)
            yield f"{entry.title}, per person on board", "cases a head", ratio
    for name in ("field", "present"):
        entry = of_part(result, name).get("")
        value = None if entry is None else _site(result, policy, entry)
        if entry is not None and value is not None:
            yield entry.title, unit(entry.unit), value


def _heads(result: Result, policy: str) -> Values | None:
    entry = of_part(result, "on_board").get("")
    return None if entry is None else _site(result, policy, entry, 0)


def _works(result: Result) -> list[Entry]:
    """Return the backlogs that somebody serves, those behind desks first."""
    kept = of_part(result, "backlog")
    if result.scenario is None:
        return list(kept.values())[:_WORKS]
    duties = {name: stock.duty for name, stock in result.scenario.stocks.items()}
    served = [w for w, work in result.scenario.work.items() if work.by and w in kept]
    by = {w: _names(result.scenario.work[w].by) for w in served}
    served.sort(key=lambda w: not any(duties.get(stock) == "desk" for stock in by[w]))
    return [kept[w] for w in served][:_WORKS]


def _names(given: str | Iterable[str]) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def map_section(result: Result) -> Section | None:
    """Return the map of offices, or a plain plot where they do not lie in the United States."""
    places = _places(result)
    outline = _outlined(places)
    shown = places["lat"].notna() & places["lon"].notna()
    if outline:
        shown &= np.array([in_us(lat, lon) for lat, lon in zip(places["lat"], places["lon"], strict=True)])
    if not shown.any() or _heads(result, result.base) is None:
        return None
    frame = _map_frame(result, places, np.flatnonzero(shown))
    if frame.empty:
        return None
    control = _dates(frame)
    policies, measures = list(dict.fromkeys(frame["policy"])), list(dict.fromkeys(frame["measure"]))
    figure = Figure(
        "map",
        "Offices on a date",
        office_map(outline),
        ("map", frame.drop(columns="unit")),
        (Column("office", "Office", "text"), Column("value", "Value"), Column("people", "People on board")),
        dict(_map_views(frame)),
        (choose("measure", "Colour", measures), choose("policy", "Policy", policies), control),
        outline=outline,
        note=_SCALE + (" " + _left_out(places, shown) if not shown.all() else ""),
    )
    return Section(
        "map", "Office by office", (Prose(("The nation’s figure hides its offices.",)), figure), "Map of offices"
    )


def _outlined(places: pd.DataFrame) -> bool:
    """Return whether all sites with a place lie in the United States, one at least in what the map can show."""
    placed = places.dropna(subset=["lat", "lon"])
    found = list(zip(placed["lat"], placed["lon"], strict=True))
    return any(in_us(*p) for p in found) and all(in_us(*p) or in_us(*p, TERRITORIES) for p in found)


def _left_out(places: pd.DataFrame, shown: pd.Series[bool]) -> str:
    missing = places.loc[~shown, "office"].tolist()
    listed = joined(missing[:6]) if len(missing) <= 6 else f"{len(missing)} offices"
    return f"Not on the map: {listed} (see the table of offices)."


def _map_frame(result: Result, places: pd.DataFrame, rows: npt.NDArray[np.int64]) -> pd.DataFrame:
    titles, instants = policy_titles(result), result.axes.instants
    each = len(result.policies) * len(rows) * 2 * max(1, len(list(_of_map(result, result.base))))
    place = thin(len(instants), int(np.clip(_MAP_NUMBERS // each, 2, 14)))
    pieces = []
    for policy in result.policies:
        heads = _heads(result, policy)
        for title, measured, value in _of_map(result, policy) if heads is not None else ():
            assert heads is not None
            for t in place:
                piece = places.iloc[rows][["office", "lat", "lon"]].copy()
                piece.insert(0, "date", pd.Timestamp(instants[t]))
                piece.insert(0, "unit", measured)
                piece.insert(0, "measure", title)
                piece.insert(0, "policy", titles[policy])
                piece["value"], piece["people"] = value[t, rows], heads[t, rows]
                pieces.append(piece)
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame()


def _dates(frame: pd.DataFrame) -> Control:
    days = sorted(set(frame["date"]))
    return Control("date", "Date", tuple((d.date().isoformat(), date(d)) for d in days), "range", len(days) - 1)


def _map_views(frame: pd.DataFrame) -> Iterator[tuple[str, View]]:
    last = frame["date"].max()
    for title, rows in frame.groupby("measure", sort=False):
        low, high = float(rows["value"].min()), float(rows["value"].max())
        ends = {"lo": low if low < high else low - 1, "hi": high} if low <= high else {"lo": 0.0, "hi": 1.0}
        for policy, mine in rows[rows["date"] == last].groupby("policy", sort=False):
            yield f"{title}|{policy}", View(_map_says(mine, str(title), str(policy)), rows["unit"].iloc[0], ends)


def _map_says(rows: pd.DataFrame, title: str, policy: str) -> str:
    ordered = rows.dropna(subset=["value"]).sort_values("value")
    if ordered.empty:
        return f"{title} has no value under {quoted(policy)}."
    pairs = zip(ordered["office"], ordered["value"], strict=True)
    words = [f"{office} ({rough(value)})" for office, value in pairs]
    when = date(rows["date"].iloc[0])
    if len(words) < 7:
        return f"{title} under {quoted(policy)} on {when}: {joined(words)}."
    return (
        f"{title} under {quoted(policy)} on {when}: lowest in {joined(words[:3])}; highest in {joined(words[:-4:-1])}."
    )


def offices_section(result: Result) -> Section | None:
    """Return a table with a row for each office, to sort, policy by policy."""
    if not len(result.site_ids) or _heads(result, result.base) is None:
        return None
    pieces, columns = [], list[Column]()
    for policy, title in policy_titles(result).items():
        piece, columns = _offices(result, policy)
        piece.insert(0, "policy", title)
        pieces.append(piece)
    frame = pd.concat(pieces, ignore_index=True)
    policies = list(policy_titles(result).values())
    end = date(result.axes.instants[-1])
    first = next(c.title for c in columns if c.kind == "number").removesuffix(", now")
    measured = f"medians; now, and on {end} with the 80 % band of the first measure"
    views = {p: View(_office_says(frame[frame["policy"] == p], p, first), measured) for p in policies}
    control = choose("policy", "Policy", policies)
    note = (
        f"Values by office stand on {human(result.site_futures)} of the {human(result.draws)} futures. "
        "Choose a column’s head to sort."
    )
    data = ("offices", frame)
    figure = Figure("offices-table", "Now and at the end", None, data, tuple(columns), views, (control,), note=note)
    return Section("offices", "Every office in figures", (figure,), "Table of offices")


def _offices(result: Result, policy: str) -> tuple[pd.DataFrame, list[Column]]:
    places = _places(result)
    frame, columns = places[["office"]].copy(), [Column("office", "Office", "text")]
    if places["region"].any():
        frame["region"] = places["region"]
        columns.append(Column("region", "Region", "text"))
    wanted = [of_part(result, name).get("") for name in ("field", "desk", "on_board", "fill_rate", "vacancies")]
    for entry in [*(e for e in wanted if e is not None), *_works(result)]:
        middle = _site(result, policy, entry)
        if middle is None:
            continue
        n = len(columns)
        sign = " %" if entry.unit == "1" else ""
        frame[f"v{n}"], frame[f"v{n + 1}"] = middle[0], middle[-1]
        columns += [Column(f"v{n}", f"{entry.title}{sign}, now"), Column(f"v{n + 1}", "at the end")]
        if n <= 2:
            for q, head in (("q10", "10 %"), ("q90", "90 %")):
                found = _site(result, policy, entry, STATS.index(q))
                frame[q] = found[-1] if found is not None else np.nan
                columns.append(Column(q, head))
    return frame, columns


def _office_says(rows: pd.DataFrame, policy: str, title: str) -> str:
    now, end = [c for c in rows.columns if c.startswith("v")][:2]
    change = rows.assign(change=rows[end] - rows[now]).dropna(subset=["change"])
    said = []
    for way, row in (
        (("gain", top(change, "change")), ("fall", top(change, "change", least=True))) if len(change) else ()
    ):
        before, after = rough(row[now]), rough(row[end])
        if before != after and bool(row["change"] > 0) is (way == "gain"):
            said.append(f"the largest {way} is in {row['office']}, from {before} to {after}")
    if not said:
        return f"{title} under {quoted(policy)}: no office changes by the end."
    return f"{title} under {quoted(policy)}: {' and '.join(said)}."
