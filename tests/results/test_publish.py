"""Tables for others: explained, the same bytes each time, and with small counts hidden if asked."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from handmade import collected, lived, network

from fieldshift.errors import UsageError
from fieldshift.results.publish import tables
from fieldshift.results.quantiles import STATS
from fieldshift.results.result import Result
from fieldshift.results.runs import export


def run(trace):
    return Result.of(None, network(), {"stay": collected(trace)})


def certain(alpha, beta):
    """A run in which nobody ever moves: so many in street teams at each of two sites, 50 at each desk."""
    trace = lived(3)
    for record in (trace.people, trace.under_way, trace.hosted, trace.served, trace.entered, trace.flowed):
        record[:] = 0
    for record in (trace.moved, trace.passed, trace.failed, trace.dropped, trace.became):
        record[:] = 0
    trace.people[:, :, 2], trace.people[:, :, 3] = alpha, beta
    trace.people[:, :, 0:2] = 50
    return run(trace)


def shown(result, measure, suppress=5):
    table = tables(result, suppress)["sites"]
    rows = table[(table["measure"] == measure) & (table["date"] == table["date"].min())]
    return dict(zip(rows["site"], rows["mean"], strict=True))


def test_csv_files_explain_themselves_and_do_not_change(tmp_path):
    result = run(lived(6))
    files = export(result, tmp_path / "one")
    assert [f.name for f in files] == [
        "measures.csv",
        "headlines.csv",
        "national.csv",
        "sites.csv",
        "bound.csv",
    ]
    again = export(result, tmp_path / "two")
    assert [f.read_bytes() for f in files] == [f.read_bytes() for f in again]
    national = pd.read_csv(tmp_path / "one" / "national.csv", keep_default_na=False)
    assert list(national.columns) == ["policy", "measure", "of", "site", "date", *STATS]
    assert national["date"][0] == "2024-09-18"
    assert b"\r" not in files[2].read_bytes()


@pytest.mark.parametrize("suppress", [None, 5])
def test_no_text_is_a_formula_to_a_spreadsheet(tmp_path, suppress):
    """Ids and titles may begin like one: an apostrophe stands before them, and before no number."""
    result = run(lived(6))
    sites = ('=HYPERLINK("x")', *result.axes.site_ids[1:])
    entries = tuple(dataclasses.replace(entry, title=f"@{entry.title}") for entry in result.entries)
    axes = dataclasses.replace(result.axes, site_ids=sites)
    odd = dataclasses.replace(result, entries=entries, axes=axes)
    plain, shown = tables(odd, suppress), {}
    for file in export(odd, tmp_path, suppress):
        shown[file.stem] = pd.read_csv(file, keep_default_na=False, dtype=str)
        texts = set(shown[file.stem].to_numpy().ravel()) | set(shown[file.stem].columns)
        risky = {text for text in texts if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))}
        assert all(re.fullmatch(r"-[0-9.]+(e-?[0-9]+)?", text) for text in risky), risky
    assert set(plain["sites"]["site"]) - set(shown["sites"]["site"]) == {sites[0]}
    assert f"'{sites[0]}" in set(shown["sites"]["site"])
    assert set(shown["measures"]["title"]) == {f"'@{entry.title}" for entry in result.entries}
    means = [float(value) for value in shown["national"]["mean"] if value not in ("", "x", "<5")]
    assert min(means) < 0, "numbers below zero are numbers still"


def test_a_small_count_is_hidden_with_a_partner():
    assert shown(certain(3, 80), "field") == {"alpha": "<5", "beta": "x"}
    assert shown(certain(3, 80), "desk") == {"alpha": "50", "beta": "50"}
    assert shown(certain(0, 80), "field") == {"alpha": "0", "beta": "80"}
    assert shown(certain(5, 80), "field") == {"alpha": "5", "beta": "80"}


def test_sums_that_would_give_a_hidden_count_away_are_hidden():
    assert shown(certain(3, 80), "on_board") == {"alpha": "x", "beta": "x"}
    assert shown(certain(30, 80), "on_board") == {"alpha": "80", "beta": "130"}


def test_nothing_derived_from_counts_is_told_by_site():
    told = set(tables(certain(30, 80), 5)["sites"]["measure"])
    assert "field" in told
    assert not told & {"fill_rate", "vacancies", "funded", "hours", "gap", "dial", "utilisation"}


def test_the_nation_hides_small_counts_too():
    table = tables(certain(1, 1), 5)["national"]
    field = table[table["measure"] == "field"]
    assert (field[list(STATS)] == "<5").all(axis=None)
    headlines = tables(certain(1, 1), 5)["headlines"]
    assert "<5" in set(headlines[headlines["measure"] == "field"]["mean"])


def test_no_small_count_is_left_and_none_can_be_worked_out():
    result = run(lived(6))
    open_, table = tables(result)["sites"], tables(result, 30)["sites"]
    counts = open_[open_["measure"].isin(set(table["measure"]))].reset_index(drop=True)
    values = counts[list(STATS)].to_numpy(np.float64)
    hidden = table["mean"].isin(["x", "<30"]).to_numpy()
    small = ((values > 0) & (values < 30)).any(axis=1)
    assert small.any()
    assert hidden[small].all()
    for _, rows in table.assign(hidden=hidden).groupby(["policy", "measure", "of", "date"]):
        assert rows["hidden"].sum() != 1


def test_a_threshold_hides_something():
    with pytest.raises(UsageError, match="at least 2"):
        tables(certain(3, 80), 1)
