"""A result that no engine made: an invented scenario with hostile words, walks for numbers, every section filled."""

import datetime as dt

import numpy as np

from fieldshift.results.axes import Axes, Entry, Facts
from fieldshift.results.bound import ANYWHERE, Bound, Tie
from fieldshift.results.collect import PolicyResult
from fieldshift.results.quantiles import summarise
from fieldshift.results.result import Result
from fieldshift.scenario.read import digest
from fieldshift.scenario.schema import Scenario

HOSTILE = "</script><script>window.hit=1</script><img src=x onerror=window.hit=2>{{7*7}}\u2028'\"&"
DRAWS, WEEKS = 30, 160
MEASURES = (
    ("on_board", "", "person", 400), ("field", "", "person", 150), ("desk", "", "person", 200),
    ("training", "", "person", 12), ("people", "desk", "person", 200), ("people", "field", "person", 150),
    ("fill_rate", "", "1", 0.9), ("backlog", "cases", "case", 7.5e6), ("served", "cases", "case", 5200),
    ("undone", "cases", "case", 900), ("utilisation", "desk", "1", 0.85), ("spend_to_date", "pay", "USD", 9e5),
    ("spend_to_date", "free", "USD", 1e5), ("granted", "pay", "USD", 4e7),
)  # fmt: skip
PERIODS = {"served", "undone", "utilisation", "spend_to_date", "granted"}
BY_SITE = {"on_board", "field", "desk", "fill_rate", "backlog"}
SITES = (("sea", 47.6, -122.3), ("chi", 41.9, -87.6), ("sju", 18.4, -66.1))
ABROAD = (("lon", 51.5, -0.1), ("edi", 55.9, -3.2), ("cdf", 51.5, -3.2))
NOWHERE = (("a", None, None), ("b", None, None), ("c", None, None))


def scenario(sites=SITES, words=HOSTILE):
    place = [{"id": i, "name": f"{i} {words}", "lat": lat, "lon": lon, "region": words} for i, lat, lon in sites]
    return Scenario.model_validate(
        {
            "name": f"Invented {words}",
            "about": f"About {words}",
            "as_of": "2024-11-17",
            "horizon": {"start": "2024-11-17", "periods": WEEKS, "fiscal_year_starts": "10-01"},
            "sites": place,
            "quantities": {
                "officers": {"value": "350 person", "range": "300..400 person", "source": f"S1 {words}"},
                "share": {"estimates": [{"value": "60 %", "source": "S2", "weight": 2},
                                        {"range": "10..30 %", "source": "Assumption: ours"}]},
                "guess": {"value": 3, "assumption": True, "note": words},
                "bare": 4,
            },
            "stocks": {
                "desk": {"title": f"Desk {words}", "duty": "desk", "start": "officers * share",
                         "pay": "90000 USD/year", "source": "S3"},
                "field": {"title": "Field", "duty": "field", "start": "officers * (1 - share)"},
                "guests": {"duty": "field", "on_strength": False, "start": 3, "assumption": True},
            },
            "work": {"cases": {"title": f"Cases {words}", "start": "7.5e6 case", "standard": "2 hour/case",
                               "by": "desk", "expire": "1 %/week"}},
            "budgets": {"pay": {"title": "Pay", "cap": "40 MUSD", "pays": "stocks"}},
            "policies": {"stay": {"title": "Stay"}, "move": {"title": f"Move {words}"}, "hire": {"title": "Hire"}},
            "headlines": [
                {"measure": "field", "title": f"Officers {words}", "better": "more"},
                {"measure": "backlog", "of": "cases", "title": "Cases waiting", "better": "less"},
                {"measure": "fill_rate", "title": "Fill rate"},
            ],
        }
    )  # fmt: skip


def axes(given):
    first = given.horizon.start
    instants = tuple(first + dt.timedelta(weeks=i) for i in range(WEEKS + 1))
    years = tuple(day.year + (day.month >= 10) for day in instants[:-1])
    by = {s.id: s for s in given.sites}
    ids = tuple(sorted(by))
    order = tuple(ids.index(s.id) for s in given.sites)
    return Axes(instants, "week", years, ids, tuple(by[i].name or i for i in ids), order, "USD")


def series(measure, size, policy, random):
    """Values of a measure by time and future."""
    time = np.linspace(0, 1, WEEKS + 1)[:, None]
    walk = random.normal(0, 0.04, (WEEKS + 1, DRAWS)).cumsum(axis=0) / np.sqrt(WEEKS)
    trend = {"field": 0.6, "desk": -0.4, "backlog": 0.5}.get(measure, 0.05) * policy / 2
    values = size * np.maximum(1 + trend * time + walk * time, 0)
    if measure == "granted":
        values = np.full_like(values, size)
    if measure == "spend_to_date":
        values = values * (np.arange(WEEKS + 1)[:, None] % 46 + 1)
    return (values if size < 1 else np.round(values)).astype(np.float32)


def bound(policy, sites, random):
    ties = [
        Tie("seats", "resources.seats", f"Seats {HOSTILE}", -1, "seat"),
        Tie("pay", "budgets.pay", "Pay", -1, "USD"),
    ]
    ties += [Tie("floor", "resources.floor", "Desk floor", s, "person") for s in (*range(sites), ANYWHERE)]
    share = np.zeros((WEEKS, len(ties)), np.float32)
    if policy:
        share[40:] = random.random(len(ties)) * policy / 2
    first = np.diff(np.maximum.accumulate(share), axis=0, prepend=0).astype(np.float32)
    return Bound(tuple(ties), share, first, first / 2)


def result(sites=SITES, words=HOSTILE, by_site=True):
    given, random = scenario(sites, words), np.random.default_rng(7)
    entries = [
        Entry(
            (m, of),
            f"{m.replace('_', ' ').capitalize()}{': ' if of else ''}{of}",
            unit,
            f"{m} {words}",
            m not in PERIODS,
        )
        for m, of, unit, _ in MEASURES
    ]
    parts = {}
    for p, name in enumerate(given.policies):
        draws, places = {}, {}
        for entry, (measure, _, _, size) in zip(entries, MEASURES, strict=True):
            values = series(measure, size, p, random)[: WEEKS + entry.instant]
            draws[entry.key] = values
            if by_site and measure in BY_SITE:
                weights = np.array([0.5, 0.3, 0.2]) if size > 1 else np.array([0.8, 1.0, 1.1])
                places[entry.key] = summarise(values[:, None, :] * weights[:, None].astype(np.float32))
        nation = {key: summarise(values) for key, values in draws.items()}
        parts[name] = PolicyResult(draws, nation, places, DRAWS, bound(p, len(sites), random))
    titles = {p: policy.title or p for p, policy in given.policies.items()}
    facts = Facts(DRAWS, 7, 3, "numba", digest(given), 1.5, (("fieldshift", "0.1.0"), ("numpy", "2")), ())
    return Result(given.name, tuple(parts), titles, parts, tuple(entries), axes(given), facts, given)
