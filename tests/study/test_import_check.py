"""The import check: residuals by hand, and each likely cause planted and found."""

import numpy as np
import pytest

import fieldshift as fs


def table(tmp_path, ins, outs, residual, start=10_000, extra=None):
    """Write two or more years of months whose stocks carry the given residuals; return the check."""
    stock, rows = start, []
    extra = extra or {}
    for t, (i, o, r) in enumerate(zip(ins, outs, residual, strict=True)):
        stock += i - o + r
        cells = ["A", f"{2020 + t // 12}-{t % 12 + 1:02d}", stock, i, o, *(values[t] for values in extra.values())]
        rows.append(",".join(str(cell) for cell in cells))
    head = ",".join(["org", "month", "headcount", "hires", "leavers", *extra])
    file = tmp_path / "table.csv"
    file.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return fs.import_check(file)


def flows(count=30, seed=1):
    rng = np.random.default_rng(seed)
    return rng.poisson(60, count).tolist(), rng.poisson(60, count).tolist(), rng.integers(-3, 4, count)


def test_by_hand(tmp_path):
    found = table(tmp_path, [5, 7, 1], [2, 3, 4], [0, 0, -6], start=100)
    assert found.residuals["residual"].tolist()[1:] == [0, -6]
    assert np.isnan(found.residuals["residual"][0]), "there is no stock before the first"
    (sums,) = found.sums().to_dict("records")
    assert (sums["checked"], sums["balanced"], sums["sum"], sums["size"]) == (2, 1, -6, 6)
    assert sums["share"] == pytest.approx(100 * 6 / (7 + 1 + 3 + 4))
    assert found.as_dict()["residuals"][0]["residual"] is None


def test_what_balances_says_so(tmp_path):
    found = table(tmp_path, [5] * 6, [4] * 6, [0] * 6)
    assert found.sentences() == ("A: stocks and flows balance in all 5 periods checked.",)
    assert found.causes == ()


def test_a_missing_stock_is_checked_over_the_gap(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("org,month,headcount,hires,leavers\nA,2025-01,100,1,1\nA,2025-02,,5,1\nA,2025-03,110,5,1\n")
    found = fs.import_check(file)
    assert np.isnan(found.residuals["residual"][1])
    assert found.residuals["residual"][2] == 110 - 100 - 10 + 2
    assert any("1 periods cannot be checked" in line for line in found.sentences())


def test_stocks_alone_cannot_be_checked(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("org,month,headcount\nA,2025-01,100\nA,2025-02,101\n")
    assert "Nothing can be checked" in fs.import_check(file).sentences()[0]


def test_a_late_batch_is_named(tmp_path):
    ins, outs, residual = flows()
    ins[14], residual[14], residual[15] = 900, -400, 395
    causes = table(tmp_path, ins, outs, residual).causes
    assert causes[0].kind == "batch"
    assert causes[0].periods == ("2021-03", "2021-04")
    assert causes[0].people == pytest.approx(395)


def test_late_records_without_a_batch_are_late(tmp_path):
    ins, outs, residual = flows()
    residual[10], residual[11] = 55, -52
    causes = table(tmp_path, ins, outs, residual).causes
    assert [c.kind for c in causes] == ["late"]


def test_leavers_who_are_counted_a_month_longer_are_named(tmp_path):
    """Each month's stock still holds all who left in it: the residual is leavers less those of the month before."""
    ins, outs, _ = flows()
    residual = np.diff(outs, prepend=outs[0])
    (cause,) = (c for c in table(tmp_path, ins, outs, residual).causes if c.kind == "timing")
    assert "about 100 % of those who leave in a month" in cause.says
    assert "enter" not in cause.says
    assert "100 % of the residuals' size is explained" in cause.says


def test_seasonal_recall_is_named(tmp_path):
    ins, outs, residual = flows(36)
    for year in range(3):
        residual[12 * year + 3] += 700
        residual[12 * year + 9] -= 690
    kinds = {(c.kind, c.periods[0][-2:]) for c in table(tmp_path, ins, outs, residual).causes}
    assert kinds == {("seasonal", "04"), ("seasonal", "10")}


def test_a_lean_to_one_side_is_named(tmp_path):
    ins, outs, residual = flows()
    causes = table(tmp_path, ins, outs, residual + 20).causes
    assert [c.kind for c in causes] == ["drift"]
    assert "entries are never recorded" in causes[0].says


def test_a_reclassification_is_named(tmp_path):
    ins, outs, residual = flows()
    residual[20] = -800
    causes = table(tmp_path, ins, outs, residual).causes
    assert [(c.kind, c.periods) for c in causes] == [("shift", ("2021-09",))]
    assert "left as a whole" in causes[0].says


def test_running_totals_that_disagree_are_named(tmp_path):
    ins, outs, residual = flows(24)
    total = [sum(ins[12 * (t // 12) : t + 1]) for t in range(24)]
    residual[:] = 0
    assert table(tmp_path, ins, outs, residual, extra={"hires_ytd": total}).causes == ()
    total[7] += 40
    (cause,) = table(tmp_path, ins, outs, residual, extra={"hires_ytd": total}).causes
    assert (cause.kind, cause.periods, cause.people) == ("running", ("2020-08",), 40)


def test_flows_that_are_running_totals_are_named(tmp_path):
    ins, outs, _ = flows(24)
    stock, rows = 1000, []
    for t in range(24):
        stock += ins[t] - outs[t]
        rows.append(f"A,{2020 + t // 12}-{t % 12 + 1:02d},{stock},{sum(ins[12 * (t // 12) : t + 1])},{outs[t]}")
    file = tmp_path / "t.csv"
    file.write_text("\n".join(["org,month,headcount,hires,leavers", *rows]) + "\n")
    assert "running" in {c.kind for c in fs.import_check(file).causes}


def test_sums_that_are_not_their_parts_are_named(tmp_path):
    file = tmp_path / "t.csv"
    rows = [f"A,2025-{m:02d},{100 + m},2,1,0,{1 if m != 5 else 4}" for m in range(1, 9)]
    file.write_text("\n".join(["org,month,headcount,hires,quit,retirement,separations", *rows]) + "\n")
    kinds = {c.kind: c for c in fs.import_check(file).causes}
    assert kinds["parts"].periods == ("2025-05",)
    assert kinds["parts"].people == 3


ICE = """month,headcount_end,accessions,separations
2025-01,20594,101,121
2025-02,20641,103,76
2025-03,20692,131,106
2025-04,20737,87,123
2025-05,20727,114,225
2025-06,20765,195,181
2025-07,20792,135,130
2025-08,20848,215,125
2025-09,22799,2839,183
2025-10,24593,1598,447
2025-11,26827,1756,336
2025-12,28272,3269,497
2026-01,30461,715,496
2026-02,30355,230,482
2026-03,30102,177,453
"""
"""US Immigration and Customs Enforcement, the US personnel office's monthly data, January 2025 to March 2026."""


def test_known_residual_of_a_real_agency(tmp_path):
    file = tmp_path / "ice.csv"
    file.write_text(ICE)
    found = fs.import_check(file)
    assert found.residuals["residual"][12] == 30461 - 28272 - 715 + 496
    assert found.sums()["sum"][0] == 30102 - 20594 - sum(
        [103, 131, 87, 114, 195, 135, 215, 2839, 1598, 1756, 3269, 715, 230, 177]
    ) + sum([76, 106, 123, 225, 181, 130, 125, 183, 447, 336, 497, 496, 482, 453])
    assert ("batch", ("2025-12", "2026-01")) in {(c.kind, c.periods) for c in found.causes}
