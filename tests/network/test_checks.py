"""Checks: each question asked of a scenario that is wrong in one way, with the place, the value and the hint."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldshift.errors import Problem, ScenarioError
from fieldshift.network.checks import CHECKS, check, problems
from fieldshift.scenario.read import cases, overlaid, read

ACADEMY = read("academy")

BASE = """\
name: Small
horizon: {start: 2025-01-06, periods: 52}
sites: [{id: a, load: 1, kind: x, weight: 2}, {id: b, load: 3, kind: y}]
quantities: {share: 40 %, people: 10 person}
stocks:
  desk: {start: 6 person, duty: desk}
  field: {start: 4 person, funded: 9 post, learning: {lasts: 26 week, productivity: 0.6}}
  pool: {start: 5 person, at: nation}
flows:
  leave: {tail: [desk, field], rate: 6 %/year}
choices:
  retrain: {tail: desk, head: field, lasts: 4 week, uses: {seats: 1}}
  transfer: {tail: pool, head: field, lasts: 2 week}
  detail: {tail: field, at: [a], to: [b], returns: true, lasts: 8 week}
resources:
  seats: {unit: seat, cap: 3 seat}
budgets:
  pay: {cap: 1 MUSD, pays: stocks}
work:
  cases: {start: 9 case, arrive: 5 case/week, standard: 2 hour/case, by: field}
  held: {start: 2 case, leave: 1 / 44 day}
needs:
  field: {of: field, need: 5 person, spread: weight, short: 100}
events:
  vote: {announced: 2025-01-10, effect: 2025-02-01}
profiles:
  rush: {event: vote, weeks: {0: 1, 4: 1.5}}
dials:
  pace: {from: 1, to: 1.2, turns: {work.cases.pace: 1}}
policies:
  stay: {}
  move:
    rules:
    - {rule: schedule, choice: retrain, amount: 1 person/week}
levers:
  seats: {path: resources.seats.cap, from: 1 seat, to: 9 seat}
goals:
- {least: short, of: needs.field}
headlines:
- {measure: backlog, of: cases}
"""


def told(folder: Path, overlay: str, level: str = "error") -> list[Problem]:
    (folder / "scenario.yaml").write_text(BASE)
    (folder / "over.yaml").write_text(overlay)
    return [p for p in problems(read(folder, overlay=folder / "over.yaml")) if p.level == level]


def test_the_base_is_sound(tmp_path: Path) -> None:
    assert told(tmp_path, "about: nothing\n") == []


@pytest.mark.parametrize("name", cases())
def test_the_shipped_cases_are_sound(name: str) -> None:
    check(read(name))


NAMES = [
    (
        "flows: {leave: {tail: [desk, feild]}}",
        "flows.leave.tail.1",
        "there is no stock 'feild'",
        "did you mean 'field'?",
    ),
    ("flows: {leave: {tail: dsk}}", "flows.leave.tail", "there is no stock 'dsk'", "did you mean 'desk'?"),
    ("flows: {leave: {tail: desk.new}}", "flows.leave.tail", "there is no stock 'desk.new'", "did you mean"),
    ("flows: {leave: {head: out}}", "flows.leave.head", "there is no stock 'out'", "stocks: desk, field"),
    ("flows: {leave: {response: rsh}}", "flows.leave.response", "there is no profile 'rsh'", "did you mean 'rush'?"),
    ("choices: {retrain: {tail: dek}}", "choices.retrain.tail", "there is no stock 'dek'", "did you mean 'desk'?"),
    ("choices: {retrain: {fail_to: dek}}", "choices.retrain.fail_to", "there is no stock 'dek'", "did you"),
    ("choices: {retrain: {drop_to: dek}}", "choices.retrain.drop_to", "there is no stock 'dek'", "did you"),
    ("choices: {retrain: {uses: {seat: 1}}}", "choices.retrain.uses.seat", "there is no resource 'seat'", "did"),
    ("choices: {retrain: {takes: {seat: 1}}}", "choices.retrain.takes.seat", "there is no resource 'seat'", "did"),
    (
        "choices: {retrain: {instructors: {stock: x, per_trainee: 1}}}",
        "choices.retrain.instructors.stock",
        "there is no stock 'x'",
        "stocks: ",
    ),
    (
        "choices: {retrain: {share: {share: 1 %, of: dek}}}",
        "choices.retrain.share.of",
        "there is no stock or choice 'dek'",
        "",
    ),
    ("work: {cases: {by: {fild: 1}}}", "work.cases.by.fild", "there is no stock 'fild'", "did you mean 'field'?"),
    ("work: {cases: {becomes: hold}}", "work.cases.becomes", "there is no work 'hold'", "did you mean 'held'?"),
    ("work: {held: {leave_to: case}}", "work.held.leave_to", "there is no work 'case'", "did you mean 'cases'?"),
    ("work: {cases: {uses: {beds: 1}}}", "work.cases.uses.beds", "there is no resource 'beds'", "resources: seats"),
    ("work: {cases: {response: [x]}}", "work.cases.response.0", "there is no profile 'x'", "profiles: rush"),
    ("resources: {seats: {hold: dek}}", "resources.seats.hold", "there is no stock or choice or work 'dek'", "did"),
    (
        "resources: {seats: {supply: {dek: 1}}}",
        "resources.seats.supply.dek",
        "there is no stock or choice 'dek'",
        "did you",
    ),
    ("budgets: {pay: {pays: [stock]}}", "budgets.pay.pays.0", "there is no stock or choice or work 'stock'", "did"),
    ("needs: {field: {of: fild}}", "needs.field.of", "there is no stock or choice 'fild'", "did you mean 'field'?"),
    ("needs: {field: {of: {duty: none}}}", "needs.field.of", "no stock has duty: none", "see the stocks'"),
    ("profiles: {rush: {event: vot}}", "profiles.rush.event", "there is no event 'vot'", "did you mean 'vote'?"),
    (
        "events: {vote: {effect: null}}\nprofiles: {rush: {at: effect}}",
        "profiles.rush.event",
        "the event 'vote' has",
        "",
    ),
    (
        "dials: {pace: {turns: {work.case.pace: 1}}}",
        "dials.pace.turns.work.case.pace",
        "there is no work 'case'",
        "did",
    ),
    ("dials: {pace: {turns: {work.cases.size: 1}}}", "dials.pace.turns.work.cases.size", "a dial cannot turn this", ""),
    (
        "dials: {pace: {turns: {work.cases.leave: 1}}}",
        "dials.pace.turns.work.cases.leave",
        "work.cases has no 'lea",
        "",
    ),
    ("policies: {move: {extends: sty}}", "policies.move.extends", "there is no policy 'sty'", "did you mean 'stay'?"),
    (
        "policies: {move: {extends: stay}, stay: {extends: move}}",
        "policies.stay.extends",
        "extends itself: stay -> move -> stay",
        "",
    ),
    (
        "policies: {move: {rules: [{rule: schedule, choice: retain, amount: 1}]}}",
        "policies.move.rules.0.choice",
        "there is no choice 'retain'",
        "did you mean 'retrain'?",
    ),
    (
        "policies: {move: {rules: [{rule: fill, choice: retrain, stock: fild}]}}",
        "policies.move.rules.0.stock",
        "there is no stock 'fild'",
        "did you mean 'field'?",
    ),
    (
        "policies: {move: {rules: [{rule: fill, choice: retrain, stock: field, upto: fild}]}}",
        "policies.move.rules.0.upto",
        "there is no need or quantity 'fild'",
        "did you mean 'field'?",
    ),
    (
        "policies: {move: {rules: [{rule: fill, choice: retrain, stock: desk}]}}",
        "policies.move.rules.0.upto",
        "the stock 'desk' has no 'funded' posts to fill",
        "give them",
    ),
    (
        "policies: {move: {rules: [{rule: escalate, watch: cases.waiting, below: 1}]}}",
        "policies.move.rules.0.watch",
        "'cases.waiting' cannot be watched",
        "an output: WORK.served",
    ),
    (
        "policies: {move: {rules: [{rule: escalate, watch: case.served, below: 1, first: {dial: p}}]}}",
        "policies.move.rules.0.watch",
        "there is no work 'case'",
        "did you mean 'cases'?",
    ),
    (
        "policies: {move: {rules: [{rule: respond, watch: field.load, above: 1, dial: pace, gain: 1}]}}",
        "policies.move.rules.0.watch",
        "'field.load' cannot be watched",
        "a load: ",
    ),
    (
        "policies: {move: {rules: [{rule: respond, watch: fild.used, above: 1, dial: pce, gain: 1}]}}",
        "policies.move.rules.0.dial",
        "there is no dial 'pce'",
        "did you mean 'pace'?",
    ),
    (
        "policies: {move: {set: {resources.seat.cap: 1}}}",
        "policies.move.set.resources.seat.cap",
        "there is no 'seat' in resources",
        "did you mean 'seats'?",
    ),
    (
        "levers: {seats: {path: resources.seats.cpa}}",
        "levers.seats.path",
        "there is no 'cpa' in resources.seats",
        "did",
    ),
    ("goals: [{least: shrt}]", "goals.0.least", "'shrt' cannot be made least", "did you mean 'short'?"),
    ("goals: [{least: short, most: served}]", "goals.0", "needs `least` or `most`, and only one", ""),
    ("goals: [{least: short, of: needs.fild}]", "goals.0.of", "there is no need 'fild'", "did you mean 'field'?"),
    ("goals: [{least: short, of: field}]", "goals.0.of", "'field' is nothing that a goal can be of", "needs.NAME"),
    (
        "headlines: [{measure: backlog, of: case}]",
        "headlines.0.of",
        "there is no stock or flow or choice or work",
        "did",
    ),
    ("work: {field: {}}", "work.field", "there is a stock 'field' too", "give one of them another name"),
    ("stocks: {a.b: {}}", "stocks.a.b", "'a.b' cannot be a name", "letters, digits and _"),
    ("quantities: {a-b: 1}", "quantities.a-b", "'a-b' cannot be a name", "letters, digits and _"),
    (
        "choices: {hire: {head: field, stages: [{name: x, lasts: 1 week}, {name: x, lasts: 1 week}]}}",
        "choices.hire.stages.1",
        "the stage 'x' stands here twice",
        "",
    ),
    ("sites: [a, a]", "sites.1", "the site 'a' stands here twice", ""),
]

PLACES = [
    ("stocks: {desk: {at: [a, c]}}", "stocks.desk.at.1", "there is no site 'c'", "sites: a, b"),
    ("stocks: {desk: {at: site}}", "stocks.desk.at", "there is no site 'site'", "did you mean 'sites'?"),
    ("stocks: {desk: {at: {knd: x}}}", "stocks.desk.at.knd", "no site has 'knd'", "did you mean 'kind'?"),
    ("stocks: {desk: {at: {kind: z}}}", "stocks.desk.at", "no site has kind: z", ""),
    ("stocks: {desk: {start: {sites: {a: 1}}}}", "stocks.desk.start.sites", "no number for b", "a number by site"),
    ("stocks: {desk: {start: {sites: {a: 1, b: 1, c: 1}}}}", "stocks.desk.start.sites.c", "there is no site 'c'", ""),
    (
        "work: {cases: {standard: {value: null, by: knd, of: {x: 1}}}}",
        "work.cases.standard.by",
        "no site has 'knd'",
        "did",
    ),
    (
        "work: {cases: {standard: {value: null, by: kind, of: {x: 1, z: 2}}}}",
        "work.cases.standard.of",
        "no entry for kind 'y' of b",
        "",
    ),
    ("stocks: {desk: {spread: laod}}", "stocks.desk.spread", "no site has 'laod'", "did you mean 'load'?"),
    ("stocks: {desk: {spread: kind}}", "sites.0.kind", "the site a has 'x' as 'kind', where a number is needed", ""),
    ("stocks: {desk: {spread: {a: 1}}}", "stocks.desk.spread", "no share for b", "0 where there is none"),
    ("stocks: {desk: {spread: {a: 0, b: 0}}}", "stocks.desk.spread", "all shares are zero", "at least one"),
    ("stocks: {desk: {spread: {a: 2, b: -1}}}", "stocks.desk.spread.b", "a share must be at least 0, got -1", ""),
    ("stocks: {desk: {spread: {a: 2, b: 1, c: 1}}}", "stocks.desk.spread.c", "there is no site 'c'", ""),
    (
        "sites: [{id: a, weight: 0, load: 1}, {id: b, weight: 0, load: 1}]",
        "stocks.desk.spread",
        "'weight' is 0 at every site here",
        "use `even`",
    ),
    ("work: {cases: {vary: kind}}", "sites.0.kind", "the site a has 'x' as 'kind', where a number is needed", ""),
    ("resources: {seats: {rank: lod}}", "resources.seats.rank", "no site has 'lod'", "did you mean 'load'?"),
    (
        "policies: {move: {rules: [{rule: schedule, choice: detail, amount: 1, to: {a: 1}}]}}",
        "policies.move.rules.0.to.a",
        "the site 'a' is not among those here",
        "",
    ),
    (
        "policies: {move: {rules: [{rule: schedule, choice: detail, amount: 1, only: [c]}]}}",
        "policies.move.rules.0.only.0",
        "there is no site 'c'",
        "",
    ),
    (
        "stocks: {field: {at: [a]}}\nchoices: {detail: {to: [a]}}",
        "choices.retrain.head",
        "people of b would have nowhere to go: it is not there",
        "put both `at` the same sites",
    ),
    (
        "flows: {leave: {head: third}}\nstocks: {third: {at: [b]}}",
        "flows.leave.tail.0",
        "people of a would have",
        "put",
    ),
    (
        "choices: {transfer: {fail_to: third}}\nstocks: {third: {at: [b]}}",
        "choices.transfer.fail_to",
        "people of a",
        "",
    ),
    (
        "choices: {detail: {at: [b], tail: third}}\nstocks: {third: {at: [a]}}",
        "choices.detail",
        "it can be used at no site",
        "",
    ),
    (
        "stocks: {field: {at: [a]}}\nchoices: {retrain: {at: [a]}}",
        "choices.detail.to",
        "the stock 'field' is not at b",
        "",
    ),
    (
        "work: {cases: {by: pool}}",
        "work.cases.by",
        "the national stock 'pool' cannot serve work at sites",
        "put the work",
    ),
    (
        "work: {cases: {becomes: held}, held: {at: [a]}}",
        "work.cases.becomes",
        "cases of b would have nowhere to go",
        "",
    ),
    (
        "work: {cases: {at: nation, becomes: held}}",
        "work.cases.becomes",
        "cases of the nation cannot enter",
        "put both",
    ),
]

DATES = [
    (
        "choices: {retrain: {from: 2025-03-01, until: 2025-02-01}}",
        "choices.retrain.until",
        "ends on 2025-02-01, before it starts on 2025-03-01",
        "",
    ),
    ("budgets: {pay: {lapses: [{from: 2025-03-01, until: 2025-02-01}]}}", "budgets.pay.lapses.0.until", "ends on", ""),
    (
        "policies: {move: {rules: [{rule: schedule, choice: retrain, from: 2025-03-01, until: 2025-02-01}]}}",
        "policies.move.rules.0.until",
        "ends on 2025-02-01",
        "",
    ),
    (
        "events: {vote: {effect: 2025-01-01}}",
        "events.vote.effect",
        "takes effect on 2025-01-01, before it was announced on 2025-01-10",
        "",
    ),
    ("events: {none: {}}", "events.none", "has no date", "give `announced`"),
    (
        "resources: {seats: {cap: {value: null, dates: {2025-03-01: 1, 2025-02-01: 2}}}}",
        "resources.seats.cap.dates.2025-02-01",
        "2025-02-01 stands after 2025-03-01",
        "put the dates in order",
    ),
    (
        "resources: {seats: {cap: {value: null, dates: {2025-02-31: 2}}}}",
        "resources.seats.cap.dates.2025-02-31",
        "there is no date '2025-02-31'",
        "such as",
    ),
    ("horizon: {fiscal_year_starts: 13-01}", "horizon.fiscal_year_starts", "no year has a day 13-01", "month and day"),
    (
        "as_of: 2024-12-01\nquantities: {share: {value: 1, as_of: 2025-01-01}}",
        "quantities.share.as_of",
        "a fact of 2025-01-01 in a scenario that knows nothing after 2024-12-01",
        "take it out",
    ),
    (
        "as_of: 2024-12-01\nquantities: {share: {value: 1, as_of: '2025'}}",
        "quantities.share.as_of",
        "a fact of 2025 in",
        "",
    ),
]


PARTS = [
    (
        "choices: {retrain: {stages: [{name: x, lasts: 1 week}]}}",
        "choices.retrain.lasts",
        "has both `stages` and `lasts`",
        "each",
    ),
    (
        "choices: {retrain: {lasts: null, stages: [{name: x, lasts: 1 week}]}}",
        "choices.retrain.uses",
        "has both `stages` and `uses`",
        "put `uses` into the stage",
    ),
    ("work: {cases: {by: null}}", "work.cases.standard", "has a `standard` but nobody to serve it", "name the stocks"),
    ("work: {held: {becomes: cases}}", "work.held.becomes", "has `becomes` but no `standard`", ""),
    (
        "work: {cases: {becomes: {held: 0.7, rest: 0.5}}, rest: {}}",
        "work.cases.becomes",
        "the shares add up to 1.2, more than 1",
        "",
    ),
    (
        "work: {cases: {becomes: {held: -0.1}}}",
        "work.cases.becomes.held",
        "must be at least 0 and finite, got -0.1",
        "",
    ),
    (
        "choices: {retrain: {uses: {seats: -1}}}",
        "choices.retrain.uses.seats",
        "must be at least 0 and finite, got -1",
        "",
    ),
    ("profiles: {rush: {weeks: {4: -1}}}", "profiles.rush.weeks.4", "must be at least 0 and finite, got -1", ""),
    ("dials: {pace: {from: 2}}", "dials.pace", "goes from 2 down to 1.2", "the lower end first"),
    ("dials: {pace: {start: 3}}", "dials.pace.start", "starts at 3, outside 1 to 1.2", ""),
    (
        "policies: {move: {rules: [{rule: schedule, choice: retrain}]}}",
        "policies.move.rules.0",
        "asks for nothing",
        "give",
    ),
    (
        "policies: {move: {rules: [{rule: escalate, watch: cases.served, below: 1}]}}",
        "policies.move.rules.0",
        "does nothing",
        "give `first`",
    ),
    (
        "policies: {move: {rules: [{rule: escalate, watch: cases.served, below: 1, first: {dial: pace, to: 9}}]}}",
        "policies.move.rules.0.first.to",
        "9 is outside the dial's 1 to 1.2",
        "",
    ),
]

NUMBERS = [
    (
        "stocks: {desk: {start: 6 case}}",
        "stocks.desk.start.value",
        "expected person, got '6 case', which is case",
        "such as",
    ),
    ("stocks: {desk: {start: 6 %}}", "stocks.desk.start.value", "expected person, got '6 %', which is a share", ""),
    ("stocks: {desk: {start: 6 persn}}", "stocks.desk.start.value", "cannot read '6 persn' from 'persn'", ""),
    (
        "flows: {leave: {rate: 6 %}}",
        "flows.leave.rate.value",
        "expected 1/year, got '6 %', which is a share",
        "such as `6 %/year`",
    ),
    ("flows: {leave: {rate: 6 person/year}}", "flows.leave.rate.value", "expected 1/year, got '6 person/year'", ""),
    (
        "stocks: {desk: {start: share * 2}}",
        "stocks.desk.start.value",
        "expected person, got 'share * 2', which is a share",
        "",
    ),
    (
        "stocks: {desk: {start: people + share}}",
        "stocks.desk.start.value",
        "adds person and 1",
        "both must be of one kind",
    ),
    ("resources: {seats: {cap: 3 person}}", "resources.seats.cap.value", "expected seat, got '3 person'", ""),
    ("resources: {seats: {unit: seta}}", "resources.seats.unit", "'seta' is not a unit", "did you mean 'seat'?"),
    (
        "stocks: {desk: {start: peple}}",
        "stocks.desk.start.value",
        "there is no quantity 'peple'",
        "did you mean 'people'?",
    ),
    (
        "quantities: {share: other * 2, other: share}",
        "quantities.share",
        "is defined by itself: share -> other -> share",
        "",
    ),
    ("quantities: {share: 1 / share}", "quantities.share", "is defined by itself: share -> share", ""),
    (
        "quantities: {share: open(1)}",
        "quantities.share.value",
        "'open' cannot be called",
        "a formula may call only min and max",
    ),
    ("quantities: {share: __import__('os')}", "quantities.share.value", '"\'" cannot stand in a formula', "only + - "),
    ("quantities: {share: a.b(1)}", "quantities.share.value", "'a.b' cannot be called", ""),
    ("quantities: {share: '1 +'}", "quantities.share.value", "found the end where a number", ""),
    ("quantities: {share: 1 / 0}", "quantities.share.value", "divides by zero", ""),
    ("stocks: {desk: {start: -5 person}}", "stocks.desk.start.value", "must be at least 0, got -5 person", ""),
    ("stocks: {desk: {start: 5 - people}}", "stocks.desk.start.value", "subtracts 1 and person", ""),
    (
        "stocks: {desk: {start: 5 person - people}}",
        "stocks.desk.start.value",
        "must be at least 0, got 5 person - people",
        "",
    ),
    ("work: {cases: {arrive: -5 case/week}}", "work.cases.arrive.value", "must be at least 0, got -5 case/week", ""),
    (
        "budgets: {pay: {cap: {value: null, years: {2025: -1}}}}",
        "budgets.pay.cap.years.2025",
        "must be at least 0, got -1",
        "",
    ),
    (
        "stocks: {desk: {start: {value: 1, range: -1..3}}}",
        "stocks.desk.start.range",
        "must be at least 0, got -1..3",
        "",
    ),
    ("stocks: {desk: {away: 120 %}}", "stocks.desk.away.value", "a share cannot be more than 100 %, got 120 %", ""),
    ("stocks: {desk: {fte: 1.5}}", "stocks.desk.fte.value", "a share cannot be more than 100 %, got 1.5", ""),
    (
        "choices: {retrain: {pass: 101 %}}",
        "choices.retrain.pass.value",
        "a share cannot be more than 100 %, got 101 %",
        "",
    ),
    (
        "choices: {retrain: {pass: {value: 90 %, range: 80..110 %}}}",
        "choices.retrain.pass.range",
        "a share cannot be more",
        "",
    ),
    (
        "flows: {leave: {rate: 150 %/year}}",
        "flows.leave.rate.value",
        "a share cannot be more than 100 %, got 150 %/year",
        "a rate",
    ),
    (
        "flows: {leave: {rate: 101 %/week}}",
        "flows.leave.rate.value",
        "a share cannot be more than 100 %, got 101 %/week",
        "",
    ),
    (
        "quantities: {share: {value: 40 %, range: 60..20 %}}",
        "quantities.share.range",
        "the range 60..20 % goes from high to low",
        "",
    ),
    (
        "quantities: {share: {value: 40 %, range: 1..2 person}}",
        "quantities.share.range",
        "a range of person beside a value of 1",
        "both of one kind",
    ),
    (
        "quantities: {share: {value: 40 %, range: about 5}}",
        "quantities.share.range",
        "'about 5' is not a range",
        "two numbers",
    ),
    ("stocks: {field: {learning: {lasts: 0}}}", "stocks.field.learning.lasts.value", "must be more than nothing", ""),
    (
        "stocks: {desk: {hours: 200 hour/week}}",
        "stocks.desk.hours.value",
        "more hours than there are, got 200 hour/week",
        "",
    ),
    (
        "quantities: {share: 4 person per site}",
        "quantities.share.value",
        "a quantity is one number",
        "say `per site` where",
    ),
    ("budgets: {pay: {cap: 5 MEUR}}", "budgets.pay.cap.value", "MEUR in a scenario that counts in USD", "one currency"),
    (
        "flows: {more: {tail: desk, rate: 70 %/week}, most: {tail: desk, rate: 60 %/week}}",
        "flows.most.rate",
        "the chances of leaving 'desk' add up to 1.3 in a week, more than 1",
        "together: flows.leave.rate, flows.more.rate, fl",
    ),
    (
        "work: {held: {expire: 70 %/week, leave: 60 %/week}}",
        "work.held.leave",
        "the chances of leaving 'held' add up to 1.3",
        "",
    ),
    (
        "stocks: {field: {learning: {lasts: 1 week}}}",
        "stocks.field.learning",
        "the chances of leaving 'field.new' add",
        "",
    ),
    (
        "stocks: {desk: {start: {value: null, estimates: [{value: 5 case}]}}}",
        "stocks.desk.start.estimates.0.value",
        "expected person, got '5 case'",
        "",
    ),
    (
        "policies: {move: {set: {flows.leave.rate: 150 %/year}}}",
        "flows.leave.rate.value",
        "under the policy 'move': a share cannot be more than 100 %",
        "",
    ),
    ("levers: {seats: {to: 9 case}}", "resources.seats.cap.value", "at 9 case of the lever 'seats': expected seat", ""),
    (
        "policies: {move: {rules: [{rule: fill, choice: retrain, stock: field, upto: 5 case}]}}",
        "policies.move.rules.0.upto.value",
        "expected person, got '5 case'",
        "",
    ),
]


@pytest.mark.parametrize(("overlay", "path", "what", "hint"), NAMES + PLACES + DATES + PARTS + NUMBERS)
def test_one_wrong_thing_is_told_at_its_place(tmp_path: Path, overlay: str, path: str, what: str, hint: str) -> None:
    found = told(tmp_path, overlay)
    mine = [p for p in found if p.path == path and p.what.startswith(what)]
    assert mine, [str(p) for p in found]
    assert mine[0].hint.startswith(hint), mine
    assert mine[0].where.startswith(f"{tmp_path}/"), mine


@pytest.mark.parametrize(
    ("overlay", "path", "what", "hint"),
    [
        (
            "choices: {retrain: {from: 2027-01-01}}",
            "choices.retrain.from",
            "starts on 2027-01-01, after the horizon",
            "",
        ),
        ("choices: {retrain: {until: 2024-01-01}}", "choices.retrain.until", "ends on 2024-01-01, before the hor", ""),
        (
            "resources: {seats: {cap: {dates: {2025-01-01: 1, 2027-01-01: 2}}}}",
            "resources.seats.cap.dates.2027-01-01",
            "2027-01-01 is after the horizon ends",
            "",
        ),
        (
            "resources: {seats: {cap: {value: null, dates: {2025-02-01: 2}}}}",
            "resources.seats.cap.dates",
            "says nothing from 2025-01-06 until 2025-02-01",
            "the first date holds before too",
        ),
        ("budgets: {pay: {cap: {value: null, years: {2035: 2}}}}", "budgets.pay.cap.years", "no fiscal year of it", ""),
        (
            "sites: [{id: a, weigth: 3}, b]",
            "sites.0.weigth",
            "'weigth' is taken as an attribute",
            "did you mean 'weight'?",
        ),
        (
            "choices: {retrain: {lasts: 30 year}}",
            "choices.retrain.lasts.value",
            "lasts 30 years",
            "is it the right unit?",
        ),
        (
            "quantities: {share: {value: 5 %, range: 20..60 %}}",
            "quantities.share.range",
            "the value lies outside its range 20..60 %",
            "",
        ),
        ("work: {held: {by: field}}", "work.held.by", "is given to somebody but has no `standard`", "give the hours"),
        ("about: x", "stocks.desk", "states a number without saying where from", "give `source`"),
        ("about: x", "quantities.people", "states a number without saying where from", "give `source`"),
        (
            "stocks: {field: {at: [a]}}\nchoices: {retrain: {at: [a]}, detail: {to: [a]}}",
            "work.cases.by",
            "nobody serves it at b",
            "put its stocks there",
        ),
    ],
)
def test_odd_things_are_warned_of(tmp_path: Path, overlay: str, path: str, what: str, hint: str) -> None:
    found = told(tmp_path, overlay, "warning")
    mine = [p for p in found if p.path == path and p.what.startswith(what)]
    assert mine, [str(p) for p in found]
    assert mine[0].hint.startswith(hint), mine


def test_a_place_is_that_of_the_value_or_of_what_is_around_it(tmp_path: Path) -> None:
    found = told(tmp_path, "about: x\nflows:\n  leave:\n    tail: [desk, feild]\n")
    assert [p.where for p in found] == [f"{tmp_path}/over.yaml:4:18"]
    assert str(found[0]) == (
        f"{tmp_path}/over.yaml:4:18: flows.leave.tail.1: there is no stock 'feild' (did you mean 'field'?)"
    )


def test_everything_is_told_at_once_and_raised_as_one(tmp_path: Path) -> None:
    overlay = "flows: {leave: {tail: x}}\nwork: {cases: {by: y}}\ngoals: [{least: z}]\n"
    assert [p.path for p in told(tmp_path, overlay)] == ["flows.leave.tail", "work.cases.by", "goals.0.least"]
    with pytest.raises(ScenarioError) as caught:
        check(read(tmp_path, overlay=tmp_path / "over.yaml"))
    assert len(caught.value.problems) == 3


def test_every_check_asks_one_question() -> None:
    for one in CHECKS:
        assert one.__name__.startswith("check_")
        assert (one.__doc__ or "").strip().endswith("?")


def test_evidence_asks_for_nothing_that_was_not_written(tmp_path: Path) -> None:
    text = "stocks: {desk: {start: people, assumption: true}, pool: {start: {value: 5 person, source: S1}}}\n"
    asked = {p.path for p in told(tmp_path, text, "warning") if "where from" in p.what}
    assert not asked & {"stocks.desk", "stocks.pool", "policies.move"}
    assert "quantities.share" in asked


def test_one_broken_quantity_is_told_once_and_not_by_all_who_use_it(tmp_path: Path) -> None:
    text = "quantities: {share: nobody * 2, more: share + 1, most: more}\nstocks: {desk: {start: most * people}}\n"
    assert [(p.path, p.what) for p in told(tmp_path, text)] == [
        ("quantities.share.value", "there is no quantity 'nobody'")
    ]
    text = "quantities: {share: more, more: share}\nstocks: {desk: {start: more * people}}\n"
    assert [p.path for p in told(tmp_path, text)] == ["quantities.share"]


def test_per_site_without_sites(tmp_path: Path) -> None:
    (tmp_path / "scenario.yaml").write_text(
        "name: x\nhorizon: {periods: 4}\nstocks: {s: {start: 5 person per site, assumption: true}}\n"
    )
    what = "says `per site`, but there are no sites: 5 person per site (give `sites`)"
    assert [str(p) for p in problems(read(tmp_path))] == [
        f"{tmp_path}/scenario.yaml:3:21: stocks.s.start.value: {what}"
    ]


def test_not_finite_numbers_of_a_scenario_made_in_python() -> None:
    scenario = read("academy")
    odd = scenario.model_copy(
        update={"sites": (scenario.sites[0].model_copy(update={"lat": float("nan")}), *scenario.sites[1:])}
    )
    assert [(p.path, p.what) for p in problems(odd)] == [("sites.0.lat", "expected a finite number, got nan")]


TEXTS = st.text(alphabet="0123456789.+-*/()%, eabinmx_persoyrw", max_size=14)


@settings(max_examples=40)
@given(text=TEXTS, where=st.sampled_from(["quantities.x", "stocks.desk.start", "flows.leave.rate", "stocks.desk.away"]))
def test_any_formula_is_read_or_told(text: str, where: str) -> None:
    base = overlaid(ACADEMY, {"quantities": {"x": 1}})
    try:
        check(overlaid(base, {where: text}))
    except ScenarioError as error:
        told = error.problems
    else:
        told = ()
    assert all(problem.what for problem in told)
