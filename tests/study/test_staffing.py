"""The staffing model: what it reads, what it never reads, known answers of its parts, and its forecasts."""

import datetime as dt

import numpy as np
import pytest
from scipy.stats import nbinom

import fieldshift as fs
from fieldshift.study.flows import flows_of
from fieldshift.study.forecast import Given, forecast, periods_after
from fieldshift.study.levels import DRIFT, EXTRA, SPREAD, Counts, filtered, prior_of
from fieldshift.study.seasons import factors, ratios, shifts
from fieldshift.study.tenure import carried, extra_hazard
from fieldshift.study.unexplained import unexplained_of

HEAD = "org,month,headcount_end,new_hire,quit,retirement"


def rows(org, months, *, seed=1, rate=0.008, hires=40, start=5000, leaning=0.0):
    """Return rows of a steady organisation, and its true counts."""
    rng, stock, found = np.random.default_rng(seed), start, []
    for t in range(months):
        new, quits, retired = rng.poisson(hires), rng.poisson(rate * stock), rng.poisson(0.002 * stock)
        stock += new - quits - retired + round(leaning * stock)
        found.append(f"{org},{2022 + t // 12}-{t % 12 + 1:02d},{stock},{new},{quits},{retired}")
    return found


def history(tmp_path, lines, name="table.csv", head=HEAD):
    file = tmp_path / name
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return fs.read_history(file)


# ---------------------------------------------------------------------------- nothing of the future


def poisoned(lines, origin, given):
    """Return the rows with every number after the origin changed; entries stay where they are given."""
    made = []
    for line in lines:
        org, month, stock, new, quits, retired = line.split(",")
        if month > origin:
            stock, quits, retired = int(stock) * 3 + 7, int(quits) + 500, int(retired) + 900
            new = new if given else int(new) + 250
        made.append(f"{org},{month},{stock},{new},{quits},{retired}")
    return made


@pytest.mark.parametrize("given", [True, False])
def test_no_later_row_reaches_a_forecast(tmp_path, given):
    lines = rows("A", 30) + rows("B", 30, seed=2, hires=90)
    true = history(tmp_path, lines, "true.csv")
    false = history(tmp_path, poisoned(lines, "2023-06", given), "false.csv")
    told = [fs.backtest_staffing(each, ["2023-06"], 12, given=given, draws=200) for each in (true, false)]
    for one, other in zip(*(each.tests for each in told), strict=True):
        assert one.forecast.stock.tobytes() == other.forecast.stock.tobytes()
        assert one.forecast.left.tobytes() == other.forecast.left.tobytes()
        assert one.outcome.tobytes() != other.outcome.tobytes(), "the poison is there"


def test_given_hires_do_reach_it(tmp_path):
    lines = rows("A", 30)
    more = [
        line if line.split(",")[1] <= "2023-06" else ",".join([*line.split(",")[:3], "300", *line.split(",")[4:]])
        for line in lines
    ]
    made = [
        fs.backtest_staffing(history(tmp_path, each, f"{i}.csv"), ["2023-06"], 12, draws=200).tests[0]
        for i, each in enumerate((lines, more))
    ]
    assert np.median(made[1].forecast.stock[:, -1]) > np.median(made[0].forecast.stock[:, -1]) + 1000


def test_a_row_published_late_is_not_known(tmp_path):
    head = HEAD + ",as_of"
    lines = [
        f"{line},2023-02-10" if line.split(",")[1] == "2022-12" else f"{line},{line.split(',')[1]}-28"
        for line in rows("A", 24)
    ]
    late = history(tmp_path, lines, "late.csv", head)
    wrong = list(lines)
    at = next(i for i, line in enumerate(wrong) if ",2022-12," in line)
    cells = wrong[at].split(",")
    wrong[at] = ",".join([*cells[:2], "9999", "9", "999", "999", cells[-1]])
    other = history(tmp_path, wrong, "wrong.csv", head)
    before = [fs.backtest_staffing(each, ["2022-12"], 6, draws=100).tests[0].forecast.stock for each in (late, other)]
    assert before[0].shape == before[1].shape == (100, 6)
    day = dt.date(2022, 12, 31)
    fits = [fs.fit_staffing(each, day).models["A"] for each in (late, other)]
    assert fits[0].unit.periods[-1].end == dt.date(2022, 11, 30)
    assert (
        forecast(fits[0], periods_after(fits[0], day)).stock.tobytes()
        == forecast(fits[1], periods_after(fits[1], day)).stock.tobytes()
    )
    after = [fs.fit_staffing(each, dt.date(2023, 2, 28)).models["A"].flows.stock for each in (late, other)]
    assert not np.array_equal(*after), "from its day on, it is known"


def test_same_seed_same_bytes_whoever_else_is_asked(tmp_path):
    found = history(tmp_path, rows("A", 20) + rows("B", 20, seed=3))
    staffing = fs.fit_staffing(found, dt.date(2023, 2, 28))
    model = staffing.models["B"]
    periods = periods_after(model, dt.date(2023, 8, 31))
    one, two = (forecast(model, periods, draws=300, seed=7).stock for _ in range(2))
    assert one.tobytes() == two.tobytes()
    assert forecast(model, periods, draws=300, seed=8).stock.tobytes() != one.tobytes()


# ------------------------------------------------------------------------------- known answers of parts


def test_the_filter_gives_the_gamma_posterior_of_a_steady_rate():
    """Poisson counts of a constant rate under a vague prior: mean sum(y) / sum(E), relative error 1 / sqrt(sum(y))."""
    rng = np.random.default_rng(5)
    count = rng.poisson(0.01 * 2000, 60).astype(float)
    one = np.ones(60)
    fit = filtered(Counts(count, 2000 * one, 0 * one, one), prior_of((np.log(0.01), 1.8), early=False))
    mean, sd = fit.rate()
    assert np.exp(mean) == pytest.approx(count.sum() / (60 * 2000), rel=0.05)
    assert 1 / np.sqrt(count.sum()) < sd < 4 / np.sqrt(count.sum()), "drift and spread that are not excluded widen it"
    assert fit.drift[0] > 0.3
    assert fit.spread[0] + fit.spread[1] > 0.6


def test_the_filter_scores_a_count_by_its_predictive_chance():
    """With one point of everything, the first score is the negative binomial's own, but for the one-offs."""
    prior = prior_of((np.log(0.01), 0.03), early=False)
    prior = type(prior)(prior.rate, prior.extra, np.eye(SPREAD.size)[2], np.eye(DRIFT.size)[0])
    counts = Counts(np.array([20.0]), np.array([2000.0]), np.zeros(1), np.ones(1))
    size = 1 / SPREAD[2]
    usual = 0.97 * nbinom.pmf(20, size, size / (size + 20))
    odd = 0.03 / 3 * sum(nbinom.pmf(20, 2, 2 / (2 + 20 * c)) for c in (4, 12, 0.25))
    assert filtered(counts, prior).scores[0] == pytest.approx(np.log(usual + odd), abs=0.02)


def test_a_one_off_is_not_a_shift_and_a_shift_is_not_a_one_off():
    one = np.ones(40)
    count = np.full(40, 20.0)
    count[25] = 220
    prior = prior_of((np.log(0.01), 1.8), early=False)
    after = filtered(Counts(count, 2000 * one, 0 * one, one), prior).rate()[0]
    assert np.exp(after) == pytest.approx(0.01, rel=0.1)
    count[25:] = 60
    assert np.exp(filtered(Counts(count, 2000 * one, 0 * one, one), prior).rate()[0]) == pytest.approx(0.03, rel=0.15)


def test_an_episode_is_expected_to_end(tmp_path):
    """Two months of twelve times the usual leavers: a forecast that went on so would lose most of the staff."""
    lines = rows("A", 43, hires=50)
    for t in (28, 29):
        org, month, stock, new, quits, retired = lines[t].split(",")
        lines[t] = f"{org},{month},{stock},{new},{12 * int(quits)},{retired}"
    found = history(tmp_path, lines)
    model = fs.fit_staffing(found, dt.date(2024, 6, 30)).models["A"]
    rate, usual = model.outs["quit"].fit.rate()[0], model.outs["quit"].usual
    assert usual == pytest.approx(np.log(0.008), abs=0.6), "some of it is early attrition"
    assert rate > usual + 0.5, "by the last month it may be a shift"
    left = forecast(model, periods_after(model, dt.date(2025, 7, 31)), draws=400).left
    assert left[:, -1].mean() < 0.6 * left[:, 0].mean()


def test_early_attrition_is_told_from_the_rate_by_a_surge():
    one, hired = np.ones(36), np.full(36, 20.0)
    hired[12:16] = 600
    early, _, _ = carried(hired, 1, 20.0)
    count = np.random.default_rng(3).poisson(0.004 * 5000 + 2.2 * early).astype(float)
    fit = filtered(Counts(count, 5000 * one, early, one), prior_of((np.log(0.006), 1.8), early=True))
    assert fit.extra @ EXTRA == pytest.approx(2.2, rel=0.25)
    assert np.exp(fit.rate()[0]) == pytest.approx(0.004, rel=0.25)


def test_the_usual_extra_loss_is_what_its_page_says():
    monthly = extra_hazard(1)
    assert monthly[0] == pytest.approx(0.009), "the month of entry counts half"
    assert monthly[1:12].sum() + 2 * monthly[0] == pytest.approx(0.138)
    assert extra_hazard(3).sum() == pytest.approx(monthly.sum(), rel=0.12)
    assert extra_hazard(12).size == 3


def test_cohorts_age_out():
    hired = np.zeros(50)
    hired[0] = 1000.0
    early, new, cohorts = carried(hired, 1, 0.0)
    assert early[0] == pytest.approx(9.0)
    assert new[1] < 1000
    assert new[35] > 0
    assert early[40] == 0
    assert cohorts.people.sum() == 0


def test_seasons_are_found_and_not_invented():
    rng, seasons = np.random.default_rng(4), np.arange(48) % 12
    exposure = np.full(48, 1000.0)
    true = np.where(seasons == 11, 3.0, 0.82)
    made = factors(ratios(rng.poisson(50 * true).astype(float), exposure, seasons, 12), [])
    assert made[11] == pytest.approx(3.0 / true[:12].mean(), rel=0.15)
    flat = factors(ratios(rng.poisson(50, 48).astype(float), exposure, seasons, 12), [])
    assert np.abs(flat - 1).max() < 0.1
    assert ratios(rng.poisson(50, 11).astype(float), exposure[:11], seasons[:11], 12) is None


def test_one_year_that_does_not_come_back_is_no_season():
    seasons, exposure = np.arange(12), np.full(12, 1000.0)
    step = np.array([20.0] * 6 + [80.0] * 6)
    made = factors(ratios(step, exposure, seasons, 12), [])
    assert np.ptp(made) < 0.4
    peak = np.array([20.0] * 5 + [160.0, 160.0] + [20.0] * 5)
    assert factors(ratios(peak, exposure, seasons, 12), [])[5] > 2.5


def test_shifts_of_a_recall():
    seasons = np.arange(24) % 12
    change = np.where(seasons == 2, 0.05, np.where(seasons == 8, -0.05, 0.0))
    change = change + np.random.default_rng(1).normal(0, 0.001, 24)
    assert shifts(change, seasons, 12)[[2, 8]] == pytest.approx([0.05, -0.05], abs=0.005)
    assert shifts(change[:8], seasons[:8], 12).tolist() == [0.0] * 12


def test_a_batch_that_the_stock_has_not_seen_is_expected(tmp_path):
    """900 hires of the last month, 400 of whom are not in the stock yet: they are owed, and no lean is seen in it."""
    lines = rows("A", 12)
    org, month, stock, new, quits, retired = lines[-1].split(",")
    lines[-1] = f"{org},{month},{int(stock) + 900 - int(new) - 400},900,{quits},{retired}"
    model = fs.fit_staffing(history(tmp_path, lines)).models["A"]
    told = model.unexplained
    assert told.on_the_way[0] == pytest.approx(-400, rel=0.3)
    assert abs(told.mean[0]) < 0.002


def test_leavers_who_stay_in_the_stock_a_month_are_found(tmp_path):
    lines, gone = [], 0
    for line in rows("A", 24):
        org, month, stock, new, quits, retired = line.split(",")
        gone = int(quits) + int(retired)
        lines.append(f"{org},{month},{int(stock) + gone},{new},{quits},{retired}")
    model = fs.fit_staffing(history(tmp_path, lines)).models["A"]
    late_in, late_out = model.unexplained.late
    assert late_out == pytest.approx(1, abs=0.05)
    assert late_in == pytest.approx(0, abs=0.1)
    assert model.unexplained.on_the_way[0] == pytest.approx(gone, rel=0.1)


def test_a_lean_is_found_and_pulled_to_zero(tmp_path):
    model = fs.fit_staffing(history(tmp_path, rows("A", 36, leaning=0.002))).models["A"]
    mean, error = model.unexplained.mean
    assert 0.0015 < mean <= 0.0021
    assert 0 < error < 0.0005
    short = fs.fit_staffing(history(tmp_path, rows("A", 3, leaning=0.002))).models["A"]
    assert 0 < short.unexplained.mean[0] < mean


def test_flows_that_are_missing_are_implied(tmp_path):
    lines = [f"A,2024-{m:02d},{1000 + m},5" for m in range(1, 9)]
    found = history(tmp_path, lines, head="org,month,headcount,hires")
    flows = flows_of(found.known()["A"])
    assert flows.implied == "leavers"
    np.testing.assert_array_equal(flows.left[1:], [4] * 7)
    assert unexplained_of({"A": flows})["A"].mean == (0.0, 0.0), "nothing can be unexplained"
    net = flows_of(
        history(tmp_path, [f"A,2024-0{m},{m}" for m in range(1, 5)], head="org,month,headcount").known()["A"]
    )
    assert net.net


# ---------------------------------------------------------------------------------------- forecasts


def test_a_steady_organisation_is_foretold(tmp_path):
    found = fs.backtest_staffing(history(tmp_path, rows("A", 40)), ["2024-03"], 13)
    (row,) = found.table().to_dict("records")
    assert row["count"] == 13
    assert row["mape"] < 1.0
    assert row["mape_identity"] < 0.01
    assert row["skill_persistence"] > 0.5
    assert "the 80 % band held" in found.sentence


def test_what_a_surge_loses_is_foretold_better_than_by_constant_attrition(tmp_path):
    """Hires of a surge leave early: a cohort loses 14 % beyond the usual in its first year."""
    rng, stock, cohorts, lines = np.random.default_rng(2), 10_000.0, np.full(36, 60.0), []
    for t in range(48):
        new = 60 if t < 30 or t > 35 else 1500
        quits = rng.poisson(0.004 * stock + 1.2 * (extra_hazard(1) * cohorts).sum())
        cohorts = np.concatenate([[new], cohorts[:-1] * 0.985])
        stock += new - quits
        lines.append(f"A,{2022 + t // 12}-{t % 12 + 1:02d},{stock:.0f},{new},{quits},0")
    (row,) = fs.backtest_staffing(history(tmp_path, lines), ["2024-06"], 13).table().to_dict("records")
    assert row["mape"] < 0.6 * row["mape_constant"]


def test_gaps_are_bridged(tmp_path):
    lines = rows("A", 36)
    cells = lines[10].split(",")
    lines[10] = ",".join([*cells[:2], "", "", "", ""])
    del lines[20:22]
    (row,) = fs.backtest_staffing(history(tmp_path, lines), ["2023-12"], 12).table().to_dict("records")
    assert row["mape"] < 1.5


def test_an_organisation_whose_last_months_are_missing_is_forecast_across_them(tmp_path):
    lines = rows("A", 30)
    del lines[20:24]
    found = fs.backtest_staffing(history(tmp_path, lines), ["2023-12"], 6).tests[0]
    assert [str(p) for p in found.forecast.periods] == [f"2024-{m:02d}" for m in range(1, 7)]


def test_years_and_quarters_work_alike(tmp_path):
    years = [f"A,{2000 + t},{round(1000 * 1.02**t)}" for t in range(15)]
    (row,) = (
        fs.backtest_staffing(history(tmp_path, years, head="org,year,headcount"), ["2010"], 4)
        .table()
        .to_dict("records")
    )
    assert row["count"] == 4
    assert row["mape"] < row["mape_persistence"]
    rng, stock, lines = np.random.default_rng(1), 3000, []
    for t in range(24):
        new, gone = rng.poisson(100), rng.poisson(0.03 * stock)
        stock += new - gone
        lines.append(f"A,{2018 + t // 4}-Q{t % 4 + 1},{stock},{new},{gone}")
    found = history(tmp_path, lines, head="org,quarter,headcount,hires,leavers")
    assert fs.backtest_staffing(found, ["2022-Q4"], 4).table()["mape"][0] < 2


def test_one_month_of_history_is_enough_to_say_something(tmp_path):
    found = history(tmp_path, rows("A", 14) + rows("B", 14, seed=5, rate=0.012) + rows("C", 14, seed=6))
    table = fs.backtest_staffing(found, ["2022-01"], 13).table()
    assert (table["mape"] < 6).all()
    assert table["cover95"].mean() > 0.7


def test_what_cannot_be_tested_is_told(tmp_path):
    found = history(tmp_path, rows("A", 12))
    with pytest.raises(fs.UsageError, match="no stock was known by then"):
        fs.backtest_staffing(found, ["2020-01"], 6)
    with pytest.raises(fs.UsageError, match="no stock is known after it"):
        fs.backtest_staffing(found, ["2030-01"], 6)
    with pytest.raises(fs.UsageError, match="no date"):
        fs.backtest_staffing(found, ["soon"], 6)


def test_hires_that_are_not_given_are_forecast(tmp_path):
    staffing = fs.fit_staffing(history(tmp_path, rows("A", 36)))
    model = staffing.models["A"]
    periods = periods_after(model, dt.date(2025, 6, 30))
    free = forecast(model, periods)
    assert np.median(free.entered.sum(axis=1)) == pytest.approx(6 * 40, rel=0.15)
    none = np.full(6, np.nan)
    assert forecast(model, periods, Given(none, none)).stock.tobytes() == free.stock.tobytes(), "missing is not given"
    told = forecast(model, periods, Given(np.full(6, 7.0), np.full(6, 7.0)))
    assert (told.entered == 7).all()


# ------------------------------------------------------------------------------------ what is written


@pytest.mark.slow
def test_the_case_runs_and_says_what_it_was_fitted_to(tmp_path):
    found = history(tmp_path, rows("Head office", 30) + rows("Coast", 30, seed=4))
    staffing = fs.fit_staffing(found, dt.date(2024, 3, 31))
    files = fs.write_staffing(staffing, tmp_path / "out")
    scenario = fs.read(str(files["case"]))
    assert list(fs.problems(scenario)) == []
    assert [site.name for site in scenario.sites] == ["Head office", "Coast"]
    quit_rate = scenario.flows["head_office_quit"].rate
    assert found.digest in quit_rate.source
    assert quit_rate.range is not None
    over = fs.read(str(files["case"]), overlay=[str(files["overlay"])])
    assert over.flows["head_office_quit"].rate == quit_rate
    told = fs.simulate(scenario, draws=100, seed=1).summary("as_is", "on_board")["q50"]
    now, later = told.iloc[0], told.iloc[-1]
    assert now == sum(float(m.flows.stock[-1]) for m in staffing.models.values())
    assert abs(later / now - 1) < 0.1


def test_rates_come_with_intervals(tmp_path):
    table = fs.fitted_rates(fs.fit_staffing(history(tmp_path, rows("A", 48)))).set_index("number")
    assert (table["low95"] <= table["low80"]).all()
    assert (table["low80"] <= table["value"]).all()
    assert (table["value"] <= table["high80"]).all()
    assert table.loc["retirement", "low95"] < 0.0025
    assert table.loc["hires", "value"] == pytest.approx(40, rel=0.1)
