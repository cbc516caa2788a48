"""Unknowns fitted to what was observed: found again, told apart or not, the same for any workers."""

import datetime as dt
from functools import cache

import bureau
import numpy as np
import pytest
from scipy.special import ndtr

import fieldshift as fs

DRAW = {"flows.quit.rate": 0.3, "work.claims.arrive": 0.6, "work.claims.standard": 0.7}


@cache
def scenario():
    return bureau.seen(bureau.bureau(), DRAW, 7, 24)


@cache
def made():
    return fs.calibrate(scenario())


def test_known_unknowns_are_found_again():
    found = made()
    assert [one.path for one in found.parameters] == sorted(DRAW)
    for path, u in DRAW.items():
        sample = found.sample[path].to_numpy()
        assert np.quantile(sample, 0.005) <= u <= np.quantile(sample, 0.995), path
    told = {one.path: one.told for one in found.parameters}
    assert told["work.claims.standard"] > told["work.claims.arrive"] > told["flows.quit.rate"] > 0.7


def test_missing_rows_and_any_frequency_are_taken():
    used = made().series_table().set_index("name")["rows"].to_dict()
    assert used == {"leavers": 23, "heads": 24, "decisions": 24, "waiting": 8}


def test_the_overlay_says_what_it_was_fitted_to_and_a_scenario_with_it_runs(tmp_path):
    found = made()
    file = found.write(tmp_path / "fitted.yaml")
    folder = fs.write(scenario(), tmp_path / "case")
    with_it = fs.read(folder, overlay=file)
    rate = with_it.flows["quit"].rate
    assert rate.source.startswith(
        "calibrated to leavers, heads, decisions and waiting until 2021-12-31 (79 rows, sha256 "
    )
    assert found.digest in rate.note
    assert rate.as_of == dt.date(2021, 12, 31)
    assert rate == found.applied().flows["quit"].rate
    fs.check(with_it)
    drawn = fs.simulate(with_it, draws=40, seed=1, keys=[("on_board", "")])
    assert drawn.facts.digest == fs.digest(with_it)


def test_the_same_for_any_number_of_workers_and_another_for_another_seed():
    one, two = fs.calibrate(scenario(), workers=1), fs.calibrate(scenario(), workers=3)
    assert one.fit.sample.scores.tobytes() == two.fit.sample.scores.tobytes()
    assert one.overlay() == two.overlay()
    assert fs.calibrate(scenario(), seed=2).fit.sample.scores.tobytes() != one.fit.sample.scores.tobytes()


def poisoned(given, after):
    """Return a scenario whose rows after a day are nonsense."""
    changed = {}
    for name, series in given.history.items():
        rows = [
            row.model_dump(exclude_none=True) | ({"value": 1.0 + i} if row.date > after else {})
            for i, row in enumerate(series.rows)
        ]
        changed[name] = {"rows": rows}
    return fs.overlaid(given, {"history": changed})


def test_no_row_after_the_day_reaches_a_calibration():
    until = dt.date(2021, 6, 30)
    clean = fs.calibrate(scenario(), until=until)
    dirty = fs.calibrate(poisoned(scenario(), "2021-06"), until=until)
    assert clean.fit.sample.scores.tobytes() == dirty.fit.sample.scores.tobytes()
    assert clean.overlay() == dirty.overlay()
    late = fs.overlaid(
        scenario(),
        {"history": {"heads": {"rows": [{"date": "2021-03", "value": 9.0, "published": "2021-07-01"}]}}},
    )
    assert "heads" not in [one.name for one in fs.calibrate(late, until=until).series]


def test_what_the_data_cannot_tell_apart_is_named():
    split = bureau.bureau(
        flows={
            "quit": {"tail": "officers", "rate": "6 %/year", "range": "2..12 %/year", "kind": "quit"},
            "retire": {"tail": "officers", "rate": "6 %/year", "range": "2..12 %/year", "kind": "quit"},
            "join": {"head": "officers", "arrive": "10 person/month"},
        }
    )
    seen = bureau.seen(split, {"flows.quit.rate": 0.4, "flows.retire.rate": 0.6}, 7, 24)
    found = fs.calibrate(seen, fit=["flows.quit.rate", "flows.retire.rate"], to=["leavers", "heads"])
    assert [set(one.paths) for one in found.flat] == [{"flows.quit.rate", "flows.retire.rate"}]
    first, second = found.flat[0].shares
    assert first * second < 0
    assert "cannot tell" in found.sentences()[1]
    assert {one["correlated"]["flows.quit.rate"] < -0.3 for one in [found.overlay()["flows"]["retire"]["rate"]]} == {
        True
    }


def narrowed(true, declared, officers=1000):
    """Return what is seen where few quit or many, and a declared range that knows nothing of it."""
    stocks = {"officers": {"start": f"{officers} person", "hours": "150 hour/month"}}
    seen = bureau.seen(bureau.bureau(stocks=stocks), {"flows.quit.rate": true}, 7, 24)
    return fs.overlaid(seen, {"flows": {"quit": {"rate": {"range": declared, "shape": "uniform"}}}})


def test_an_unknown_at_the_end_of_its_range_is_told():
    found = fs.calibrate(narrowed(0.5, "4..12.5 %/year", 20_000), fit=["flows.quit.rate"], to=["leavers"])
    assert found.parameters[0].bound == "high"
    assert any("high end" in sentence for sentence in found.sentences())


def test_a_series_that_no_value_of_the_declared_ranges_reaches_is_told():
    found = fs.calibrate(narrowed(0.99, "4..8 %/year"), fit=["flows.quit.rate"], to=["leavers"])
    assert any("more leavers than the model" in sentence for sentence in found.sentences())
    assert not any("than the model" in sentence for sentence in made().sentences())


def test_an_unknown_that_moves_nothing_is_left_as_it_was_declared():
    more = fs.overlaid(scenario(), {"choices": {"hire": {"head": "officers", "cost": {"range": "1..2 USD/person"}}}})
    found = fs.calibrate(more)
    assert found.left == {"choices.hire.cost": "the series do not tell"}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"fit": ["flows.quit.rates"]}, "did you mean 'flows.quit.rate'"),
        ({"to": ["heds"]}, "did you mean 'heads'"),
        ({"policy": "stey"}, "did you mean 'stay'"),
        ({"until": dt.date(2019, 1, 1)}, "no row known by 2019-01-01"),
    ],
)
def test_what_does_not_exist_is_told(asked, says):
    with pytest.raises(fs.UsageError, match=says):
        fs.calibrate(scenario(), **asked)


# ------------------------------------------------------------------------------------ by site


def sites(spread):
    """Return twelve sites that differ in how many quit, and what is observed of them; few leave each."""
    ids = [f"s{i:02d}" for i in range(12)]
    given = fs.Scenario.model_validate(
        {
            "name": "Twelve sites",
            "horizon": {"start": bureau.START, "periods": 24, "step": "month"},
            "sites": ids,
            "stocks": {"officers": {"start": "1200 person", "spread": "even"}},
            "flows": {"quit": {"tail": "officers", "rate": {"range": "2..30 %/year"}, "kind": "quit"}},
            "policies": {"stay": {}},
        }
    )
    true = {
        site: float(ndtr(0.2 + spread * z))
        for site, z in zip(ids, np.random.default_rng(1).normal(size=12), strict=True)
    }
    apart = fs.overlaid(given, {"quantities": {s: {"range": "2..30 %/year"} for s in ids}})
    apart = fs.overlaid(fs.overlaid(apart, {"flows.quit.rate": 0}), {"flows.quit.rate": {"sites": {s: s for s in ids}}})
    key = ("losses", "quit")
    left = bureau.lived(apart, {f"quantities.{s}": u for s, u in true.items()}, 5, [key], by_site=True)[key]
    rows = [
        {"date": bureau.month(t), "site": site, "value": float(left[t, i])}
        for i, site in enumerate(ids)
        for t in range(24)
    ]
    history = {"left": {"of": "losses.quit", "rows": rows, "source": "simulated"}}
    return fs.overlaid(given, {"history": history}), true


@pytest.mark.slow
def test_sites_are_pooled_as_far_as_they_are_alike():
    alike, _ = sites(0.0)
    apart, true = sites(0.8)
    pooled = fs.calibrate(alike, by_site=["flows.quit.rate"])
    free = fs.calibrate(apart, by_site=["flows.quit.rate"])
    assert pooled.pools["flows.quit.rate"] < 0.5 * free.pools["flows.quit.rate"]
    assert [one.site for one in free.parameters] == sorted(true)
    spread = {
        name: np.std([one.estimate for one in fit.parameters]) for name, fit in (("alike", pooled), ("apart", free))
    }
    assert spread["alike"] < 0.4 * spread["apart"]
    inside = [one.q10 <= 2 + 28 * true[one.site] <= one.q90 for one in free.parameters]
    assert 6 <= sum(inside) <= 12
    assert "rates" not in free.applied().flows
    fs.check(free.applied())
