"""A fitted staffing model as numbers with ranges, as an overlay, and as a scenario that runs."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fieldshift.scenario.read import read
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.write import replaced, write, yaml_text
from fieldshift.study.levels import EXTRA
from fieldshift.study.staffing import HIRES, Model, Staffing
from fieldshift.study.tenure import NEW, extra_hazard

__all__ = ["fitted_rates", "staffing_as_dict", "staffing_overlay", "staffing_scenario", "write_staffing"]

Float = npt.NDArray[np.float64]

_DRAWS = 4000
_STEPS = {1: "month", 3: "quarter", 12: "year"}
_HORIZON = {1: 13, 3: 5, 12: 3}


def fitted_rates(staffing: Staffing) -> pd.DataFrame:
    """Return a fitted model as a table: a row for each organisation and number, with 80 and 95 % intervals.

    Rates are per head and month, of those exposed; `early` is the share of a cohort that leaves in its first year
    beyond the usual; hires are persons a month; `unexplained` is a share of the stock a month; `trend` is the net
    change a month where only stocks are known.
    """
    rows = []
    for org, model in staffing.models.items():
        for name, unit, draws in _numbers(model):
            low, high = np.quantile(draws, [0.1, 0.9])
            wide_low, wide_high = np.quantile(draws, [0.025, 0.975])
            row = {"org": org, "number": name, "value": float(np.median(draws)), "unit": unit}
            rows.append(row | {"low80": low, "high80": high, "low95": wide_low, "high95": wide_high})
    return pd.DataFrame(rows)


def _numbers(model: Model) -> list[tuple[str, str, Float]]:
    """Return name, unit and draws of each number that was fitted."""
    rng = np.random.default_rng(0)
    months, found = model.flows.months, []
    if model.net is not None:
        trend = model.net.path(1)[0] + model.net.error * rng.standard_normal(_DRAWS)
        return [("trend", "1/month", trend / months)]
    first_year = float(extra_hazard(1)[:12].sum())
    for name, flow in model.outs.items():
        rate, extra, _, _ = flow.fit.drawn(rng, _DRAWS)
        found.append((name, "1/month", np.exp(rate)))
        if flow.early:
            found.append((f"{name}, early", "1", 1.0 - np.exp(-extra * first_year)))
    if model.hires is not None:
        rate, _, _, _ = model.hires.fit.drawn(rng, _DRAWS)
        found.append((HIRES, "person/month", np.exp(rate) * max(float(model.flows.stock[-1]), 1.0)))
    if not model.flows.implied:
        lean = model.unexplained.drawn(rng, _DRAWS)[0]
        found.append(("unexplained", "1/month", lean / months))
    return found


def staffing_scenario(staffing: Staffing, periods: int | None = None) -> Scenario:
    """Return a fitted model as a scenario: each organisation a site, its new hires and its others two stocks.

    Rates are yearly means, with their 80 % interval as range; a scenario does not carry the seasons.

    Args:
        staffing: The fitted model.
        periods: Length of the horizon; 13 months, 5 quarters or 3 years if None.
    """
    history = staffing.history
    start = staffing.until + dt.timedelta(days=1)
    sites: list[dict[str, Any]] = []
    stocks: dict[str, Any] = {}
    flows: dict[str, Any] = {}
    for org, model in staffing.models.items():
        site = _slug(org, [each["id"] for each in sites])
        sites.append({"id": site, "name": org})
        made = _parts(model, site, _told(staffing))
        stocks |= made["stocks"]
        flows |= made["flows"]
    data = {
        "name": f"{history.label} as known on {staffing.until}",
        "about": (
            "A staffing model fitted to a table of stocks and flows. Nobody decides anything: people leave and are "
            "hired as they were. Rates are yearly means; ranges hold 80 % of what the table allows."
        ),
        "as_of": staffing.until.isoformat(),
        "horizon": {
            "start": start.isoformat(),
            "periods": periods or _HORIZON[history.months],
            "step": _STEPS[history.months],
        },
        "sites": sites,
        "stocks": stocks,
        "flows": flows,
        "policies": {"as_is": {"title": "As it was"}},
        "headlines": [{"measure": "on_board", "title": "On board"}],
    }
    return Scenario.model_validate(data)


def _told(staffing: Staffing) -> dict[str, Any]:
    history = staffing.history
    source = f"fitted to {history.label} until {staffing.until}, sha256 {history.digest}"
    return {"source": source, "as_of": staffing.until.isoformat()}


def _parts(model: Model, site: str, told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the stocks and flows of one organisation."""
    org, total = model.flows.org, round(float(model.flows.stock[-1]))
    at, new = {"at": [site]}, f"{site}_new"
    numbers = {name: draws for name, _, draws in _numbers(model)}
    known = {"source": f"{told['source']}, last stock", **at}
    if model.net is not None:
        stocks = {site: {"title": org, "start": f"{total} person", **known}}
        return {"stocks": stocks, "flows": _leaning(site, "trend", total, numbers["trend"], told)}
    fresh = min(round(float(model.cohorts.people[:-1].sum())), total)
    stocks = {
        site: {"title": org, "start": f"{total - fresh} person", **known},
        new: {"title": f"{org}, under three years", "start": f"{fresh} person", **known},
    }
    flows: dict[str, Any] = {
        f"{site}_settle": {
            "title": f"{org}: three years are over",
            "tail": new,
            "head": site,
            "rate": f"{100 / NEW:.3g} %/month",
            "source": "by definition: new hires are those of the last three years",
        }
    }
    _fit_in(numbers, list(model.outs))
    for name, flow in model.outs.items():
        tail = [site, new] if flow.exposed == "all" else site
        title, kind = f"{org}: {name.replace('_', ' ')}", name
        flows[f"{site}_{_word(name)}"] = {"title": title, "kind": kind, "tail": tail} | _rate(numbers[name]) | told
    early = [numbers[n] for n in numbers if n.endswith(", early")]
    if early:
        # Of those under three years, the first lose most: the mean over the three years is what the stock feels.
        share = np.asarray(sum(early), np.float64) * extra_hazard(1).sum() / extra_hazard(1)[:12].sum() / NEW
        flows[f"{site}_early"] = {"title": f"{org}: early leavers", "kind": "quit", "tail": new} | _rate(share) | told
    if HIRES in numbers:
        amount = _amount(numbers[HIRES], "person/month", 1.0)
        flows[f"{site}_hires"] = {"title": f"{org}: hires", "head": new, "spread": {site: 1}} | {
            "arrive": {**amount, **told}
        }
    if "unexplained" in numbers:
        flows |= _leaning(site, "unexplained", total, numbers["unexplained"], told)
    return {"stocks": stocks, "flows": flows}


def _fit_in(numbers: dict[str, Float], outs: list[str]) -> None:
    """Cut rates whose ranges would together let more leave than there are; histories of a few people have such."""
    names = [name for name in numbers if name in outs or name.endswith(", early") or name == "unexplained"]
    most = sum(float(np.quantile(np.abs(numbers[name]), 0.9)) for name in names) + 1 / NEW
    for name in names if most > 0.95 else []:
        numbers[name] = numbers[name] * (0.9 / most)


def _leaning(site: str, name: str, total: int, draws: Float, told: dict[str, Any]) -> dict[str, Any]:
    """Return a change of either sign: an arrival where it is above zero, a rate where it is below.

    A flow has one direction: the part of the range beyond zero is cut.
    """
    title = f"{name}: what the flows do not tell"
    if np.median(draws) >= 0:
        amount = {**_amount(np.maximum(draws, 0.0) * total, "person/month", 1.0), **told}
        return {f"{site}_{name}": {"title": title, "head": site, "spread": {site: 1}, "arrive": amount}}
    return {f"{site}_{name}": {"title": title, "tail": site} | _rate(np.maximum(-draws, 0.0)) | told}


def _rate(draws: Float) -> dict[str, Any]:
    made = _amount(np.clip(draws, 0.0, 1.0), "%/month", 100.0)
    return {"rate": made["value"], "range": made["range"]} if "range" in made else {"rate": made["value"]}


def _amount(draws: Float, unit: str, times: float) -> dict[str, Any]:
    low, middle, high = (float(f"{times * q:.4g}") for q in np.quantile(draws, [0.1, 0.5, 0.9]))
    made: dict[str, Any] = {"value": f"{middle:.10g} {unit}"}
    if high > low:
        made["range"] = f"{low:.10g}..{high:.10g} {unit}"
    return made


def staffing_overlay(staffing: Staffing) -> dict[str, Any]:
    """Return the fitted numbers as an overlay: values, ranges, and what they were fitted to."""
    data = staffing_scenario(staffing).model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    keys = ("rate", "arrive", "range", "source", "as_of")
    flows = {
        name: {key: flow[key] for key in keys if key in flow}
        for name, flow in data["flows"].items()
        if "source" in flow or "arrive" in flow
    }
    stocks = {name: {"start": stock["start"], "source": stock["source"]} for name, stock in data["stocks"].items()}
    return {"as_of": staffing.until.isoformat(), "stocks": stocks, "flows": flows}


def staffing_as_dict(staffing: Staffing) -> dict[str, Any]:
    """Return a fitted model as plain data: the numbers, and what the table tells of each organisation."""
    table = fitted_rates(staffing)
    orgs = {}
    for org, model in staffing.models.items():
        flows = model.flows
        orgs[org] = {
            "periods": int(flows.stock.size),
            "stock": float(flows.stock[-1]),
            "implied": flows.implied or None,
            "net": flows.net,
            "seasons": sorted(n for n, f in model.outs.items() if f.factors.size > 1 and np.ptp(f.factors) > 0),
            "extra": {n: float(f.fit.extra @ EXTRA) for n, f in model.outs.items() if f.early},
        }
    return {
        "table": staffing.history.label,
        "digest": staffing.history.digest,
        "until": staffing.until.isoformat(),
        "organisations": orgs,
        "numbers": table.to_dict("records"),
    }


def write_staffing(staffing: Staffing, folder: str | Path) -> dict[str, Path]:
    """Write a fitted model into a folder: the scenario, the overlay, the numbers as CSV and all of it as JSON.

    Each file is written whole and renamed into place.

    Args:
        staffing: The fitted model.
        folder: The folder; files of the same names are replaced.

    Returns:
        The files by what they are: `case`, `overlay`, `numbers`, `data`.
    """
    place = Path(folder)
    write(staffing_scenario(staffing), place / "case")
    overlay = replaced(place / "calibration.yaml", _overlay_text(staffing))
    numbers = replaced(place / "numbers.csv", fitted_rates(staffing).to_csv(index=False, float_format="%.6g"))
    text = json.dumps(staffing_as_dict(staffing), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    data = replaced(place / "calibration.json", text)
    read(place / "case")
    return {"case": place / "case", "overlay": overlay, "numbers": numbers, "data": data}


def _overlay_text(staffing: Staffing) -> str:
    head = f"# Fitted to {staffing.history.label} until {staffing.until}, sha256 {staffing.history.digest}.\n"
    return head + yaml_text(staffing_overlay(staffing))


def _slug(org: str, taken: list[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", org.casefold()).strip("_") or "org"
    plain = plain if plain[0].isalpha() else f"org_{plain}"
    return plain if plain not in taken else f"{plain}_{len(taken)}"


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_") or "leave"


def told_numbers(staffing: Staffing) -> Mapping[str, str]:
    """Return one sentence for each organisation: what it loses a year, and what of it is early."""
    found = {}
    for org, model in staffing.models.items():
        numbers = {name: float(np.median(draws)) for name, _, draws in _numbers(model)}
        if model.net is not None:
            found[org] = f"{org}: stocks only; the net change is {100 * numbers['trend']:+.2f} % a month."
            continue
        yearly = 100 * (1 - (1 - sum(numbers[name] for name in model.outs)) ** 12)
        early = [value for name, value in numbers.items() if name.endswith(", early")]
        more = f"; a new hire is {100 * sum(early):.0f} % likelier to leave in the first year" if early else ""
        lean = numbers.get("unexplained", 0.0)
        found[org] = (
            f"{org}: {yearly:.1f} % leave in a year{more}; {100 * lean:+.2f} % of the stock a month is unexplained."
        )
    return found
