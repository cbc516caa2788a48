"""The evidence ledger, how to read the page, what the model cannot say, and how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from fieldshift.results.evidence import TRUSTS, Entry, counts, ledger
from fieldshift.results.report_page import Block, Cell, Facts, Prose, Section, Table
from fieldshift.results.report_words import human, joined
from fieldshift.results.result import Result

__all__ = ["about_section", "evidence_section"]

_READ = (
    """A future is one run of the same organisation through the same dates. In each, luck is drawn anew in every
    period, and each unknown (a number with a range, or with rival estimates) is drawn once and kept.""",
    """The median is the middle future: as many lie above as below. A band of 80 % leaves out the lowest tenth and
    the highest; one future in five lies outside it. Medians of parts do not add up to the median of the whole.""",
    """Policies share their luck: future 17 has the same leavers and arrivals under each. That is why a difference can
    be certain although both of its sides are wide.""",
    """On board (a count), FTE (a rate over time), posts authorised and posts funded are four things, never added.""",
)
_CANNOT = (
    "It knows counts of people and of cases by site and kind. It knows no person, and says nothing of anyone.",
    "It says what the numbers imply, not whether a policy is lawful, wise or right, nor what was decided inside.",
    "What is not in the scenario does not happen: no court ruling, no new statute, no strike that nobody wrote in.",
    "A band is only as wide as the ranges that went in. An unknown without a range looks certain here and is not.",
    "Assumptions are invented numbers, marked in the ledger; whoever knows better can change them and run again.",
)
_SAME = """How this was made. The same scenario, seed, number of futures and version give the same numbers, whatever the
    machine."""


def evidence_section(result: Result) -> Section | None:
    """Return the ledger of every number of the scenario and what it stands on."""
    if result.scenario is None:
        return None
    entries = ledger(result.scenario)
    if not entries:
        return None
    counted = {trust: n for trust, n in counts(entries).items() if n}
    plural = {"assumption": "assumptions"}
    said = joined([f"{human(n)} {plural.get(trust, trust) if n != 1 else trust}" for trust, n in counted.items()])
    ranged = sum(1 for e in entries if e.range or e.rivals)
    intro = (
        f"This run stands on {human(len(entries))} numbers that somebody wrote down: {said}. A range or rival "
        f"estimates are given for {human(ranged)}; the others are used as if they were certain."
    )
    table = Table(
        "ledger",
        "Every number and what it stands on",
        ("Number", "Value", "Range", "Source and note", "As of", "Trust"),
        tuple(row for e in entries for row in _rows(e)),
        sortable=True,
        filters={trust: f"{trust} ({human(n)})" for trust, n in counted.items()},
        search=True,
        tall=True,
    )
    meaning = tuple(f"{trust.capitalize()}: {text}" for trust, text in TRUSTS.items() if trust in counted)
    return Section(
        "evidence",
        "The evidence, number by number",
        (Prose((intro,)), Prose(meaning, "list"), table),
        "Evidence ledger",
    )


def _rows(e: Entry) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for a number, and one for each of its rival estimates."""
    source = e.source + (" (of the part around it)" if e.inherited and e.source else "")
    if e.rivals:
        source = "see each"
    number = Cell(e.path, e.path, e.unit)
    yield (number, Cell(e.value), Cell(e.range), Cell(source, small=e.note), Cell(e.as_of), Cell(e.trust, mark=e.trust))
    for i, rival in enumerate(e.rivals, start=1):
        yield (
            Cell(f"{e.path}: rival {i} of {len(e.rivals)}", f"{e.path} {i}", f"weight {rival.weight:g}"),
            Cell(rival.value),
            Cell(rival.range),
            Cell(rival.source, small=rival.note),
            Cell(rival.as_of),
            Cell(rival.trust, mark=rival.trust),
        )


def about_section(result: Result) -> Section:
    """Return how to read the page and how it was made."""
    facts = result.facts
    first, last = result.axes.instants[0], result.axes.instants[-1]
    pairs = [
        (
            "Futures",
            f"{human(facts.draws)}, the same for every policy"
            + (f", in {facts.groups} groups" if facts.groups > 1 else ""),
        ),
        ("Seed", str(facts.seed)),
        ("Horizon", f"{first.isoformat()} to {last.isoformat()}, by {result.axes.step}"),
        ("Engine", facts.engine or "not stated"),
        ("Versions", ", ".join(f"{name} {number}" for name, number in facts.versions)),
        ("Scenario digest", facts.digest or "not stated"),
    ]
    blocks: list[Block] = [
        Prose(tuple(" ".join(text.split()) for text in _READ)),
        Prose(("What the model cannot say:",)),
        Prose(_CANNOT, "list"),
    ]
    if facts.problems:
        blocks += [Prose(("Warnings about the scenario:",)), Prose(tuple(str(p) for p in facts.problems), "list")]
    blocks += [
        Prose((" ".join(_SAME.split()),)),
        Facts(tuple(pairs), _command(result)),
    ]
    return Section("about", "How to read this, and how it was made", tuple(blocks), "How to read this")


def _command(result: Result) -> str:
    """Return the command that repeats the run; the reader puts the scenario's place in."""
    facts, given = result.facts, result.scenario
    policies = [policy for policy in result.policies if result.planned is None or policy != "plan"]
    some = given is not None and policies != list(given.policies)
    words = ["fieldshift", "simulate" if some else "run", "SCENARIO"]
    for policy in policies if some else ():
        words += ["--policy", policy]
    words += ["--draws", str(facts.draws), "--seed", str(facts.seed), "--groups", str(facts.groups)]
    if facts.engine == "reference":
        words += ["--engine", facts.engine]
    elif not some and result.planned is None and given is not None and given.goals:
        words += ["--no-plan"]
    return shlex.join([*words, "-o", "FOLDER"])
