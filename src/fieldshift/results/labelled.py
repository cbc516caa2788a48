"""A result for those who work with xarray, which is not among Fieldshift's own dependencies."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from fieldshift.errors import UsageError
from fieldshift.results.axes import Entry
from fieldshift.results.collect import PolicyResult
from fieldshift.results.kept import Kept
from fieldshift.results.quantiles import STATS
from fieldshift.results.tally import Array

__all__ = ["dataset"]


def dataset(kept: Kept) -> Any:
    """Return an `xarray.Dataset` of means and quantiles.

    A measure is a variable (`field`, `backlog.docket`) over policy, statistic and `instant` or `period`;
    by site it is one more (`field by site`) over site too.

    Raises:
        UsageError: xarray is not installed.
    """
    try:
        xarray = import_module("xarray")
    except ImportError as error:
        raise UsageError("to_xarray needs the package xarray, which is not installed: pip install xarray") from error
    dates = np.array(kept.axes.instants, "datetime64[ns]")
    coordinates = {
        "policy": list(kept.policies),
        "statistic": list(STATS),
        "instant": dates,
        "period": dates[:-1],
        "site": list(kept.site_ids),
    }
    variables: dict[str, tuple[tuple[str, ...], Array, dict[str, str]]] = {}
    parts = [kept.parts[policy] for policy in kept.policies]
    for entry in kept.entries:
        name = ".".join(word for word in entry.key if word)
        dims = ("policy", "statistic", "instant" if entry.instant else "period")
        about = {"title": entry.title, "unit": entry.unit, "definition": entry.definition}
        variables[name] = (dims, _stacked(kept, parts, entry, False), about)
        if any(entry.key in part.sites for part in parts):
            variables[f"{name} by site"] = ((*dims, "site"), _stacked(kept, parts, entry, True), about)
    return xarray.Dataset(variables, coordinates, {"name": kept.name, "seed": kept.seed, "draws": kept.draws})


def _stacked(kept: Kept, parts: list[PolicyResult], entry: Entry, by_site: bool) -> Array:
    """Return one measure of all policies, NaN where a policy has none."""
    times = len(kept.axes.instants) - (not entry.instant)
    sites = (len(kept.axes.site_ids),) if by_site else ()
    none = np.full((len(STATS), times, *sites), np.nan, np.float32)
    found = np.stack([(part.sites if by_site else part.nation).get(entry.key, none) for part in parts])
    return found[..., list(kept.axes.planner_order)] if by_site else found
