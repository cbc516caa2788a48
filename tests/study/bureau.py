"""An invented bureau, and what would have been observed of it had its numbers been known ones."""

import calendar
import datetime as dt

import numpy as np

import fieldshift as fs
from fieldshift.engines.kernel import Kernel
from fieldshift.engines.live import live
from fieldshift.engines.policies import policy_of
from fieldshift.network.build import build
from fieldshift.results.measures import measure

START = dt.date(2020, 1, 1)


def bureau(**changes):
    """Monthly periods, one stock that leaves and is hired, one kind of work that it serves."""
    return fs.Scenario.model_validate(
        {
            "name": "An invented bureau",
            "horizon": {"start": START, "periods": 36, "step": "month"},
            "stocks": {"officers": {"start": "1000 person", "hours": "150 hour/month"}},
            "flows": {
                "quit": {"tail": "officers", "rate": "12 %/year", "range": "4..24 %/year", "kind": "quit"},
                "join": {"head": "officers", "arrive": "10 person/month"},
            },
            "work": {
                "claims": {
                    "start": "200000 case",
                    "arrive": {"value": "15000 case/month", "range": "12000..18000 case/month"},
                    "standard": {"value": "10 hour/case", "range": "7..14 hour/case"},
                    "by": "officers",
                }
            },
            "policies": {"stay": {}},
            **changes,
        }
    )


def month(i):
    year, month = divmod(START.year * 12 + START.month - 1 + i, 12)
    return f"{year}-{month + 1:02d}"


def last_day(i):
    year, number = map(int, month(i).split("-"))
    return dt.date(year, number, calendar.monthrange(year, number)[1])


def lived(scenario, draw, seed, keys, by_site=False):
    """Return measures of one future in which the unknowns are at given points: (time,) or (time, S)."""
    network = build(scenario, draw)
    trace = live(Kernel(network, seed, np.arange(1)), policy_of(scenario, network, "stay", draw))
    return {key: values[0] for key, values in measure(trace, network, keys, by_site).items()}


def series(values, months, skip=()):
    """Return the rows of a flow by month."""
    return [{"date": month(i)} | ({} if i in skip else {"value": float(v)}) for i, v in enumerate(values[:months])]


def seen(scenario, draw, seed, months):
    """Return a scenario with what one future of it shows in its first months."""
    keys = [("losses", "quit"), ("on_board", ""), ("served", "claims"), ("backlog", "claims")]
    found = lived(scenario, draw, seed, keys)
    history = {
        "leavers": {"of": "losses.quit", "rows": series(found[keys[0]], months, skip=(3,)), "source": "simulated"},
        "heads": {"of": "on_board", "rows": series(found[keys[1]][1:], months), "source": "simulated"},
        "decisions": {"of": "served.claims", "rows": series(found[keys[2]], months), "source": "simulated"},
        "waiting": {"of": "backlog.claims", "rows": series(found[keys[3]][1:], months)[2::3], "source": "simulated"},
    }
    return fs.overlaid(scenario, {"history": history})
