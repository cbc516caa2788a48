"""Forecasts of scenarios from days of the past: nothing later reaches them, and their bands hold what they say."""

import datetime as dt
import json
from functools import cache

import bureau
import numpy as np
import pytest

import fieldshift as fs

DRAW = {"flows.quit.rate": 0.3, "work.claims.arrive": 0.6, "work.claims.standard": 0.7}
ORIGIN = dt.date(2021, 12, 31)
FAST = {"fit": ["flows.quit.rate", "work.claims.standard"], "to": ["leavers", "heads", "decisions"]}


@cache
def scenario():
    return bureau.seen(bureau.bureau(), DRAW, 7, 36)


@cache
def made():
    return fs.backtest(scenario(), [ORIGIN], "12 month", draws=200, **FAST)


def test_every_interval_to_come_is_forecast_and_scored():
    found = made()
    assert found.forecasts.groupby("series", sort=False).size().to_dict() == {
        "leavers": 12,
        "heads": 12,
        "decisions": 12,
    }
    assert found.forecasts["first"].min() == dt.date(2022, 1, 1)
    assert found.forecasts["last"].max() == dt.date(2022, 12, 31)
    scores = found.scores().set_index("series")
    assert scores["count"].tolist() == [12, 12, 12]
    assert scores.loc["heads", "mape"] < 3
    assert (scores["cover95"] > 0.8).all()
    assert set(found.scores(["series", "origin"]).columns) >= {"series", "origin", "skill_persistence", "crps", "wis"}


def test_a_level_goes_on_from_where_it_was_last_seen():
    heads = made().forecasts.query("series == 'heads'").iloc[0]
    last = scenario().history["heads"].rows[23].value
    assert abs(heads["q50"] - last) < 15
    assert heads["q975"] - heads["q025"] < 40


def test_bands_of_a_level_widen_with_time():
    heads = made().forecasts.query("series == 'heads'")
    width = (heads["q90"] - heads["q10"]).to_numpy()
    assert width[-1] > 1.5 * width[0]


def test_no_row_after_the_origin_reaches_a_forecast():
    changed = {}
    for name, series in scenario().history.items():
        rows = [row.model_dump(exclude_none=True) for row in series.rows]
        changed[name] = {"rows": [row if row["date"] < "2022" else row | {"value": 7.0} for row in rows]}
    poisoned = fs.overlaid(scenario(), {"history": changed})
    found = fs.backtest(poisoned, [ORIGIN], "12 month", draws=200, **FAST)
    assert found.futures[ORIGIN].tobytes() == made().futures[ORIGIN].tobytes()
    assert found.scores()["mae"].to_list() != made().scores()["mae"].to_list()
    cut = {name: {"rows": [row for row in new["rows"] if row["date"] < "2022"]} for name, new in changed.items()}
    blind = fs.backtest(fs.overlaid(scenario(), {"history": cut}), [ORIGIN], "12 month", draws=200, **FAST)
    assert blind.futures[ORIGIN].tobytes() == made().futures[ORIGIN].tobytes()
    assert blind.scores().empty
    assert "Nothing of what was forecast is known yet" in blind.sentence


def test_the_same_for_any_number_of_workers():
    one = fs.backtest(scenario(), [ORIGIN], "12 month", draws=200, workers=1, **FAST)
    assert one.futures[ORIGIN].tobytes() == made().futures[ORIGIN].tobytes()


def driven():
    """Return a bureau whose claims doubled after the origin, and a series of claims that drives them."""
    given = bureau.bureau(work={"claims": {"start": "0 case", "arrive": "100 case/month", "expire": "90 %/month"}})
    rows = [{"date": bureau.month(i), "value": 100.0 if i < 24 else 200.0} for i in range(36)]
    left = [{"date": bureau.month(i), "value": 10.0} for i in range(36)]
    waiting = [{"date": bureau.month(i), "value": 100.0 if i < 24 else 200.0} for i in range(36)]
    history = {
        "claims": {"of": "arrived.claims", "rows": rows, "drives": "work.claims.arrive", "source": "invented"},
        "leavers": {"of": "losses.quit", "rows": left, "source": "invented"},
        "waiting": {"of": "backlog.claims", "rows": waiting, "source": "invented"},
    }
    return fs.overlaid(given, {"history": history})


def test_an_input_is_given_as_it_turned_out_only_where_asked():
    how = {"fit": ["flows.quit.rate"], "to": ["leavers", "waiting"], "draws": 100}
    blind = fs.backtest(driven(), ORIGIN, "6 month", **how)
    told = fs.backtest(driven(), ORIGIN, "6 month", given=["claims"], **how)
    last = {
        name: b.forecasts.query("series == 'waiting'")["q50"].iloc[-1] for name, b in (("blind", blind), ("told", told))
    }
    assert last["told"] - last["blind"] > 50
    with pytest.raises(fs.UsageError, match="drives no input"):
        fs.backtest(driven(), ORIGIN, "6 month", given=["leavers"], **how)


def test_all_of_it_is_plain_data_and_a_chart():
    text = json.dumps(made().as_json())
    assert '"sentence": "Of 36 outcomes' in text
    chart = made().chart()
    assert len(chart["data"]["values"]) == 36
    assert chart["facet"]["field"] == "panel"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"horizon": "soon"}, "'soon' is no horizon"),
        ({"horizon": "3 day"}, "a longer horizon is needed"),
        ({"origins": []}, "needs an origin"),
        ({"draws": 3}, "at least 20"),
    ],
)
def test_what_cannot_be_forecast_is_told(asked, says):
    with pytest.raises(fs.UsageError, match=says):
        fs.backtest(scenario(), **{"origins": [ORIGIN], "horizon": "12 month", **FAST, **asked})


def test_numbers_that_speak_of_a_later_day_are_told():
    later = fs.overlaid(scenario(), {"flows": {"quit": {"rate": {"as_of": "2022-06"}}}})
    found = fs.backtest(later, [ORIGIN], "2 month", draws=40, **FAST)
    assert found.later == ("flows.quit.rate",)
    assert np.isfinite(found.forecasts["mean"]).all()
