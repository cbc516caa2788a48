"""The content of a report for another page: the same sections and data, without what a strict policy forbids."""

import json
import re

import invented
import pandas as pd
import pytest

import fieldshift as fs
from fieldshift.results.charts_style import areas, colours
from fieldshift.results.report import render, sections_of
from fieldshift.results.report_html import parts_of
from fieldshift.results.report_page import Section

STYLED = re.compile(r' style="(?:stroke|fill):var\(--([ca]\d+)\)"')


@pytest.fixture(scope="module")
def result():
    return invented.result()


@pytest.fixture(scope="module")
def parts(result):
    return fs.report_parts(result)


@pytest.fixture(scope="module")
def page(result):
    return render(result, sections_of(result))


@pytest.fixture(scope="module")
def run(result, tmp_path_factory):
    return fs.save(result, tmp_path_factory.mktemp("stored") / "run")


def test_the_parts_are_the_sections_of_the_report_to_the_letter(page, parts):
    assert [p.id for p in parts.sections] == re.findall(r'<section id="(.*?)"', page)
    for part in parts.sections:
        found = re.search(rf'<section id="{part.id}".*?</section>', page, re.DOTALL).group(0)
        assert part.html.strip() == STYLED.sub(r' class="\1"', found)
    assert STYLED.search(page)


def test_their_data_is_the_data_of_the_report_to_the_letter(page, parts):
    whole = json.loads(re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL).group(1))
    figures, datasets = {}, {}
    for part in parts.sections:
        assert bool(part.data) == ("data-figure=" in part.html)
        told = json.loads(part.data) if part.data else {"figures": {}, "datasets": {}, "themes": whole["themes"]}
        figures |= told["figures"]
        datasets |= told["datasets"]
        assert told["themes"] == whole["themes"]
    assert figures == whole["figures"]
    assert datasets == whole["datasets"]
    outlined = {p.id for p in parts.sections if p.data and json.loads(p.data)["states"]}
    assert outlined == {"map"}


def test_a_strict_policy_has_nothing_to_forbid(parts):
    for html in (part.html for part in parts.sections):
        for tag in re.findall(r"<[a-z][^>]*>", html):
            assert not re.search(r"\s(style|on[a-z]+|href|src)=", re.sub(r'"[^"]*"', '""', tag)), tag
        assert "<script" not in html
        assert "<style" not in html


def test_words_of_a_planner_stay_words(parts):
    assert invented.HOSTILE in parts.title
    for part in parts.sections:
        assert "<img" not in part.html
        assert not set("<>&\u2028\u2029") & set(part.data)


def test_what_stands_beside_the_sections(result, parts):
    assert (parts.draws, parts.start, parts.end) == (result.draws, result.axes.instants[0], result.axes.instants[-1])
    assert list(parts.policies) == list(result.policies)
    assert len(set(parts.policies.values())) == len(parts.policies)
    assert parts.body_html.count("<section") == len(parts.sections)


def test_the_files_of_a_page_reach_for_nothing_and_name_each_colour():
    files = fs.report_assets()
    assert list(files) == ["vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "report.js", "report.css"]
    style = files["report.css"].decode()
    assert "url(" not in style
    assert "@import" not in style
    assert all(f".c{i}{{" in style for i in range(len(colours())))
    assert all(f".a{i}{{" in style for i in range(len(areas())))
    assert style.count("{") == style.count("}")


def test_a_section_without_charts_has_no_data():
    (part,) = parts_of([Section("one", "One", ())])
    assert part.data == ""
    assert part.short == "One"


# ------------------------------------------------------------------------------------------- picked


def test_picked_rows_are_those_of_the_whole_run(result, run):
    found = fs.picked(run, ["field", "backlog.cases"])
    whole = result.table("field", "backlog.cases")
    pd.testing.assert_frame_equal(found.table[whole.columns], whole, check_dtype=False)
    some = fs.picked(run, ["field"], ["hire"], ["chi", "nation"])
    by_site = result.table("field", policies=["hire"], by="site")
    mine = by_site[by_site["site"] == "chi"].reset_index(drop=True)
    assert list(dict.fromkeys(some.table["site"])) == ["chi", "nation"]
    got = some.table[some.table["site"] == "chi"].reset_index(drop=True)
    pd.testing.assert_frame_equal(got[mine.columns], mine, check_dtype=False)


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ((["nothing"],), "no measure 'nothing'"),
        ((["field"], ["nobody"]), "no policy 'nobody'"),
        ((["field"], [], ["moon"]), "no site 'moon'"),
        ((["training"], [], ["chi"]), "of the nation only"),
    ],
)
def test_what_was_not_kept_cannot_be_picked(run, asked, what):
    with pytest.raises(fs.UsageError, match=what):
        fs.picked(run, *asked)


def test_a_run_that_is_damaged_is_told(run, tmp_path):
    with pytest.raises(fs.RunError, match="no run"):
        fs.picked(tmp_path, ["field"])
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "run.json").write_bytes((run / "run.json").read_bytes())
    (broken / "national.parquet").write_bytes(b"nothing")
    with pytest.raises(fs.RunError, match="damaged"):
        fs.picked(broken, ["field"])


def test_a_picked_part_has_a_chart_for_each_measure_and_site(run):
    part = fs.picked_part(fs.picked(run, ["field", "fill_rate"], ["stay", "hire"], ["nation", "sea"]))
    told = json.loads(part.data)
    assert len(told["figures"]) == 4
    for figure in told["figures"].values():
        series = told["datasets"]["chosen"]["columns"]["series"]["v"]
        assert figure["where"]["series"] in series
        assert figure["controls"] == ["banded"]
    assert part.html.count("<figure") == 4
    assert "<img" not in part.html


def test_a_share_is_shown_in_per_cent(result, run):
    told = json.loads(fs.picked_part(fs.picked(run, ["fill_rate"], ["stay"])).data)
    first = told["datasets"]["chosen"]["columns"]["q50"]["n"][0]
    assert first == pytest.approx(100 * float(result.stats("stay", "fill_rate")[4, 0]), rel=1e-4)


# --------------------------------------------------------------------------------------- side by side


def test_a_run_read_for_its_headlines_tells_the_same(result, run):
    some = fs.load(run, futures="headlines")
    assert fs.told(some) == fs.told(fs.load(run))
    assert set(some.part("stay").draws) == {entry.key for entry, _ in result.chosen_headlines()}
    assert not some.part("stay").sites


def test_the_policies_of_one_run_are_compared(result):
    sides = [fs.Side(result.titles[p], result, p) for p in result.policies]
    found = fs.comparison({"": sides})
    assert found.unpaired == ""
    assert found.rows[""] == fs.compared(sides)
    parts = fs.comparison_parts(found)
    assert [p.id for p in parts.sections] == ["differences", "lines", "apart"]
    assert all("<img" not in p.html for p in parts.sections)
    lines = json.loads(parts.sections[1].data)
    assert set(lines["datasets"]["lines"]["columns"]["policy"]["v"]) == {side.label for side in sides}


def test_runs_are_compared_policy_by_policy_and_without_bands_where_they_share_no_futures(result, run):
    other = fs.load(run)
    object.__setattr__(other, "facts", type(other.facts)(**{**vars(other.facts), "seed": other.seed + 1}))
    groups = {p: [fs.Side("A", result, p), fs.Side("B", other, p)] for p in ("stay", "hire")}
    found = fs.comparison(groups)
    assert found.unpaired == "seed"
    apart = [row["difference"] for rows in found.rows.values() for row in rows if row["side"] == "B"]
    assert apart
    assert all(one["low"] is None for one in apart if one)
    parts = fs.comparison_parts(found)
    assert [p.id for p in parts.sections] == ["differences", "lines"]
    assert "differ in seed" in parts.sections[0].html


def test_the_same_run_twice_does_not_differ(result, run):
    found = fs.comparison({"stay": [fs.Side("A", result, "stay"), fs.Side("B", fs.load(run), "stay")]})
    apart = [row["difference"] for row in found.rows["stay"] if row["side"] == "B" and row["difference"]]
    assert apart
    assert all(one["mean"] == one["low"] == one["high"] == one["more"] == one["less"] == 0 for one in apart)
    assert "No difference from" in fs.comparison_parts(found).sections[2].html


def test_one_side_is_no_comparison(result):
    with pytest.raises(fs.UsageError, match="two sides"):
        fs.comparison({"": [fs.Side("A", result, "stay")]})
    with pytest.raises(fs.UsageError, match="two sides"):
        fs.comparison({})
