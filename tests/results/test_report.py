"""The report as text: whole, offline, escaped, repeatable, and made of sections that others can add to."""

import base64
import dataclasses
import hashlib
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import invented
import numpy as np
import pandas as pd
import pytest

from fieldshift.results import report_words as words
from fieldshift.results.evidence import counts, ledger
from fieldshift.results.report import render, report, sections_of
from fieldshift.results.report_page import Figure, Prose, Section, View, column, span

TAGS = set(
    """html head meta title link style body a header p h1 h2 h3 nav ol ul li noscript main section span div figure
    figcaption label select option input output svg line rect table thead tbody tr th td button details summary small
    dl dt dd pre code footer script""".split()  # noqa: SIM905
)
MAY_BE_EMPTY = {"strip", "where", "lapsed"}


@pytest.fixture(scope="module")
def result():
    return invented.result()


@pytest.fixture(scope="module")
def page(result):
    return render(result, sections_of(result))


@pytest.fixture(scope="module")
def data(page):
    return page_data(page)


def page_data(page):
    return json.loads(
        re.search(r'<script type="application/json" id="page-data">(.*?)</script>', page, re.DOTALL).group(1)
    )


class Reader(HTMLParser):
    """Collects elements, their attributes and what stands inside scripts."""

    def __init__(self, text):
        super().__init__()
        self.seen, self.scripts, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts[-1] += data

    def handle_endtag(self, tag):
        self.inside = None


# ------------------------------------------------------------------------------------ the file


def test_the_file_is_written_whole_and_replaced(result, tmp_path):
    path = tmp_path / "new" / "report.html"
    assert report(result, path) == path
    first = path.read_bytes()
    assert report(result, str(path), [Section("one", "One", (Prose(("Only this.",)),))]) == path
    assert b"Only this." in path.read_bytes()
    assert path.read_bytes() != first
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]


def test_a_failure_leaves_the_old_file(result, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old", encoding="utf-8")
    frame = pd.DataFrame({"x": [1.0]})
    pair = [Figure(f, f, None, ("same", frame.copy()), column([("x", "X")]), {"": View("")}) for f in ("a", "b")]
    with pytest.raises(ValueError, match="two different data sets"):
        report(result, path, [Section("s", "S", tuple(pair))])
    assert path.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_same_result_gives_the_same_bytes(page):
    again = invented.result()
    assert render(again, sections_of(again)) == page


def test_it_stays_under_two_megabytes(page):
    assert len(page.encode()) < 2_000_000


# ----------------------------------------------------------------------- offline, and escaped


def test_nothing_in_it_points_elsewhere(page):
    for tag, attrs in Reader(page).seen:
        assert tag not in {"iframe", "object", "embed", "base", "form", "img", "audio", "video"}
        for name in ("src", "srcset", "href", "action", "data", "poster"):
            target = attrs.get(name)
            assert target is None or target.startswith(("#", "data:,")), (tag, name, target)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_forbids_the_network_and_names_each_script(page):
    reader = Reader(page)
    meta = next(a["content"] for t, a in reader.seen if t == "meta" and a.get("http-equiv"))
    rules = dict(rule.strip().split(" ", 1) for rule in meta.split(";"))
    assert rules["default-src"] == "'none'"
    assert "connect-src" not in rules
    assert "unsafe" not in rules["script-src"]
    code = [s for s in reader.scripts if not s.startswith("{")]
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in code]
    assert len(digests) == 4
    assert rules["script-src"].split() == [f"'sha256-{digest}'" for digest in digests]


def test_hostile_words_stay_words(page):
    ours = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "<img" not in ours
    assert "{{" not in re.sub(r"\{\{7\*7\}\}", "", ours)
    assert page.count("<script>") == 4
    assert page.count("</script>") == 5
    assert "window.hit=1" in html.unescape(page)
    assert "49" not in re.search(r"<h1>(.*?)</h1>", page, re.DOTALL).group(1)
    assert {tag for tag, _ in Reader(page).seen} <= TAGS


def test_page_data_cannot_end_its_element(page):
    raw = re.search(r'id="page-data">(.*?)</script>', page, re.DOTALL).group(1)
    assert not set(raw) & set("<>&\u2028\u2029")


# ------------------------------------------------------------------------------------ contents


def test_sections_stand_in_order(result):
    assert [s.id for s in sections_of(result)] == [
        "headline", "people", "policies", "fans", "map", "money", "undone", "bound", "offices", "evidence", "about",
    ]  # fmt: skip


def test_others_can_add_a_section(result):
    mine = Section("plan", "The plan", (Prose(("A plan by others.",)),), "Plan")
    text = render(result, [*sections_of(result), mine])
    assert '<section id="plan"' in text
    assert '<a href="#plan">Plan</a>' in text


def figures(result):
    return [b for s in sections_of(result) for b in s.blocks if isinstance(b, Figure)]


def test_every_figure_says_what_to_see_and_has_its_table(result, page):
    found = figures(result)
    assert len(found) > 12
    assert len({f.id for f in found}) == len(found)
    for figure in found:
        assert all(view.says for view in figure.views.values())
        assert len(figure.rows())
        assert {c.field for c in figure.columns} <= set(figure.data[1].columns)
        assert f'data-table="{figure.id}"' in page
        if figure.spec is not None:
            assert f'<figure id="{figure.id}"' in page
    assert page.count('class="plot" role="img" aria-label="Chart: ') == sum(f.spec is not None for f in found)


def test_every_choice_has_rows_and_a_view(result, data):
    for figure in figures(result):
        told = data["figures"][figure.id]
        for control in figure.controls:
            for value, label in control.options:
                assert label
                if control.field not in figure.sets and figure.id not in MAY_BE_EMPTY:
                    assert value in set(figure.data[1][control.field].astype(str)), (figure.id, control.field, value)
        keys = [tuple(key.split("|")) if key else () for key in told["views"]]
        assert len({len(key) for key in keys}) == 1 or figure.view


def test_data_sets_are_shared_and_rounded(result, data):
    lines = [f for f in figures(result) if f.id.startswith("lines-")]
    assert {f.data[0] for f in lines} == {"lines"}
    assert data["datasets"]["lines"]["length"] == len(lines[0].data[1])
    fan = data["datasets"]["fan"]["columns"]
    assert fan["date"]["date"] is True
    numbers = [v for v in fan["q50"].get("n", fan["q50"].get("v")) if v is not None]
    assert all(float(f"{v:.5g}") == pytest.approx(v, rel=1e-4) for v in numbers)


def decoded(column, length):
    if "n" in column:
        return column["n"]
    if "t" in column:
        return [column["v"][i % column["t"]] for i in range(length)]
    if "c" in column:
        return [column["v"][code] for code in column["c"]]
    pairs = zip(column["r"][::2], column["r"][1::2], strict=True)
    return [column["v"][code] for code, n in pairs for _ in range(n)]


def test_data_sets_can_be_read_back(result, data):
    for figure in figures(result):
        name, frame = figure.data
        told = data["datasets"][name]
        for field in frame.columns:
            found = decoded(told["columns"][field], told["length"])
            if frame[field].dtype.kind == "f":
                np.testing.assert_allclose(np.array(found, float), frame[field], rtol=1e-4)
            else:
                assert found == [
                    str(v).removesuffix(" 00:00:00") if frame[field].dtype.kind == "M" else v
                    for v in frame[field].tolist()
                ]


def test_the_headline_sentence_is_made_from_the_numbers(result, page):
    end = result.headlines().query("policy == 'move' and measure == 'field'").iloc[-1]
    assert words.rough(float(end["q50"])) in html.unescape(page)
    assert "8 in 10 futures" in page
    assert "in 36 months" in page


def test_shares_are_shown_in_per_cent(result):
    line = next(f for f in figures(result) if f.id == "lines-2")
    assert line.views[""].unit == "per cent"
    assert 80 < line.rows()["q50"].iloc[0] < 100


@pytest.mark.parametrize(
    ("sites", "outline"), [(invented.SITES, True), (invented.ABROAD, False), (invented.NOWHERE, None)]
)
def test_the_outline_is_drawn_only_where_the_sites_lie_in_it(sites, outline):
    found = {f.id: f for f in figures(invented.result(sites))}
    assert ("map" in found) is (outline is not None)
    if outline is not None:
        assert found["map"].outline is outline
        assert ("sju" in found["map"].note) is outline, "territories are told of, not lost"
    assert "offices-table" in found


def test_a_run_without_sites_or_scenario_has_a_report(result):
    bare = dataclasses.replace(invented.result(by_site=False), scenario=None)
    ids = [s.id for s in sections_of(bare)]
    assert "evidence" not in ids
    assert "map" not in ids
    assert render(bare, sections_of(bare))


def test_the_base_alone_has_a_report(result):
    alone = dataclasses.replace(result, policies=("stay",), parts={"stay": result.parts["stay"]})
    ids = {f.id for f in figures(alone)}
    assert not any(i.startswith("difference") for i in ids)
    text = render(alone, sections_of(alone))
    assert "No limit and no line of money cut anything" in text


def test_how_it_was_made_is_told(result, page):
    text = html.unescape(page)
    assert result.facts.digest in text
    assert f"fieldshift run SCENARIO --draws {invented.DRAWS} --seed 7 --groups 3" in text


# ------------------------------------------------------------------------------------ evidence


def test_the_ledger_has_every_number_that_was_written(result):
    entries = {e.path: e for e in ledger(result.scenario)}
    assert "stocks.desk.hours" not in entries, "a default is not evidence"
    assert entries["quantities.officers"].trust == "sourced"
    assert entries["quantities.officers"].range == "300 to 400 person"
    assert entries["quantities.guess"].trust == "assumption"
    assert entries["quantities.bare"].trust == "unsourced"
    assert entries["stocks.field.start"].trust == "derived"
    assert entries["stocks.desk.pay"].source == "S3"
    assert entries["stocks.desk.pay"].inherited
    assert entries["stocks.guests.start"].trust == "assumption"
    assert entries["budgets.pay.cap"].unit == "USD"
    assert sum(counts(entries.values()).values()) == len(entries)


def test_rivals_stand_side_by_side(result, page):
    entry = next(e for e in ledger(result.scenario) if e.rivals)
    assert [(r.value, r.range, r.weight, r.trust) for r in entry.rivals] == [
        ("60 %", "", 2.0, "sourced"),
        ("", "10 to 30 %", 1.0, "assumption"),
    ]
    assert "quantities.share: rival 2 of 2" in page


def test_assumptions_are_marked_and_can_be_filtered(result, page):
    entries = ledger(result.scenario)
    told = counts(entries)
    assert f"assumption ({told['assumption']})" in page
    marks = page.count('<tr data-mark="assumption">')
    assert marks == told["assumption"] + sum(r.trust == "assumption" for e in entries for r in e.rivals)


# --------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234, "1,234"), (7.5e6, "7.5 million"), (7_512_345, "7.51 million"), (2.424e9, "2.42 billion"), (0.25, "0.25"),
     (-1500, "−1,500"), (0, "0"), (-0.0001, "0"), (999_600, "1 million"), (9.96, "10"), (float("nan"), "–")],
)  # fmt: skip
def test_numbers_are_written_for_people(value, text):
    if value == 999_600:
        text = "1 million" if value >= 1e6 * 0.9995 else "999,600"
    assert words.human(value) == text


def test_bands_and_shares_and_dates():
    assert words.band(1901, 2899) == "1,900 to 2,900"
    assert words.band(7.1e6, 7.8e6) == "7.1 to 7.8 million"
    assert words.band(1901, 2899, words=False) == "1,900–2,900"
    assert words.band(-5, 5, words=False) == "−5 to 5"
    assert words.signed(1234) == "+1,230"
    assert [words.share(v) for v in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "under 1 %", "50 %", "over 99 %", "100 %"]
    assert words.date(pd.Timestamp("2024-11-17")) == "17 Nov 2024"
    assert words.joined(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("low", "high", "ends"),
    [(10, 20, (0, 20)), (90, 100, (90, 100)), (-3, 4, (-3, 4)), (5, 5, (5, 6)), (np.nan, np.nan, (0, 1))],
)
def test_an_axis_starts_at_zero_unless_the_data_lie_far_from_it(low, high, ends):
    frame = pd.DataFrame({"a": [low], "b": [high]})
    assert tuple(span(frame, "a", "b", zero=False).values()) == ends


# -------------------------------------------------------------------------------------- assets


@pytest.mark.parametrize("folder", ["src/fieldshift/results/assets/vendor", "tests/faces/vendor"])
def test_vendored_files_are_those_that_were_vendored(root: Path, folder):
    place = root / folder
    told = dict(
        re.findall(r"^\| `(.+?)` \|.*`([0-9a-f]{64})` \|$", (place / "VENDORED.md").read_text("utf-8"), re.MULTILINE)
    )
    files = {p.name for p in place.iterdir() if p.suffix in {".js", ".json"}}
    assert told.keys() == files
    assert {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in files} == told
