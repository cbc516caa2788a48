"""Places: do the sites exist that are named, and can people and cases get where they are sent?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from fieldshift.errors import Problem
from fieldshift.network.checks_names import each
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import amounts, nearest, problem_at
from fieldshift.scenario.schema import Choice, Scenario, Site, Where, Work

__all__ = ["CHECKS", "arc_ids", "attributes_of", "ids_at", "listed"]

_SHOWN = 5


def _fits(site: Site, wanted: Mapping[str, Any]) -> bool:
    for attribute, value in wanted.items():
        options = value if isinstance(value, list | tuple | set) else (value,)
        if str(site.attributes.get(attribute)) not in {str(option) for option in options}:
            return False
    return True


def ids_at(scenario: Scenario, at: Where) -> frozenset[str] | None:
    """Return the sites that a planner's words select, or None for the nation."""
    if at == "nation" or not scenario.sites:
        return None
    if at == "sites":
        return frozenset(site.id for site in scenario.sites)
    if isinstance(at, Mapping):
        return frozenset(site.id for site in scenario.sites if _fits(site, at))
    wanted = (at,) if isinstance(at, str) else at
    return frozenset(site.id for site in scenario.sites if site.id in wanted)


def listed(ids: Iterable[str]) -> str:
    """Return some sites for a message."""
    names = sorted(ids)
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def attributes_of(scenario: Scenario) -> set[str]:
    """Return the names of all that is known of sites."""
    return {name for site in scenario.sites for name in site.attributes}


def _wheres(scenario: Scenario) -> Iterator[tuple[Path, Where | None]]:
    for collection in ("stocks", "choices", "work"):
        for name, part in getattr(scenario, collection).items():
            yield (collection, name, "at"), part.at
    for name, choice in scenario.choices.items():
        yield ("choices", name, "to"), choice.to
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            yield ("policies", name, "rules", i, "only"), rule.only


def check_where(scenario: Scenario) -> Iterator[Problem]:
    """Do the sites and attributes exist that say where something is?"""
    ids = [site.id for site in scenario.sites]
    for path, at in _wheres(scenario):
        if at is None or at in ("sites", "nation"):
            continue
        if not ids:
            yield problem_at(scenario, path, "there are no sites", "give `sites`, or leave this out")
        elif isinstance(at, Mapping):
            known = attributes_of(scenario)
            absent = [attribute for attribute in at if attribute not in known]
            for attribute in absent:
                what = f"no site has '{attribute}'"
                yield problem_at(scenario, (*path, attribute), what, nearest(attribute, known, "attributes"))
            if not absent and not ids_at(scenario, at):
                words = ", ".join(f"{key}: {value}" for key, value in at.items())
                yield problem_at(scenario, path, f"no site has {words}")
        else:
            hints = (*ids, "sites", "nation") if isinstance(at, str) else ids
            for here, site in each(at, path):
                if site not in ids:
                    yield problem_at(scenario, here, f"there is no site '{site}'", nearest(site, hints, "sites"))


def check_sites_named(scenario: Scenario) -> Iterator[Problem]:
    """Does every number by site name every site, and no other?"""
    ids = [site.id for site in scenario.sites]
    for found in amounts(scenario):
        rows: dict[Path, Mapping[str, Any]] = {}
        if found.amount.sites:
            rows[(*found.path, "sites")] = found.amount.sites
        rows |= {(*found.path, "grid", date): row for date, row in found.amount.grid.items()}
        for path, row in rows.items():
            for site in row:
                if site not in ids:
                    yield problem_at(scenario, (*path, site), f"there is no site '{site}'", nearest(site, ids, "sites"))
            missing = [site for site in ids if site not in row]
            if missing:
                what = f"no number for {listed(missing)}"
                yield problem_at(scenario, path, what, "a number by site names every site; 0 where there is none")


def check_by_attribute(scenario: Scenario) -> Iterator[Problem]:
    """Does a number by attribute have an entry for what each site has?"""
    for found in amounts(scenario):
        attribute = found.amount.by
        if attribute is None:
            continue
        path = (*found.path, "by")
        if attribute not in attributes_of(scenario):
            hint = nearest(attribute, attributes_of(scenario), "attributes")
            yield problem_at(scenario, path, f"no site has '{attribute}'", hint)
            continue
        entries = found.amount.of
        absent: dict[str, list[str]] = {}
        for site in scenario.sites:
            value = str(site.attributes.get(attribute, ""))
            if value not in entries:
                absent.setdefault(value, []).append(site.id)
        for value, sites in absent.items():
            what = f"no entry for {attribute} '{value}' of {listed(sites)}"
            yield problem_at(scenario, (*found.path, "of"), what, nearest(value, entries, "entries"))


def arc_ids(scenario: Scenario, choice: Choice) -> frozenset[str] | None:
    """Return the sites of a choice's arcs: where its tail is, or its head where the tail is at no site."""
    tails = [scenario.stocks[t] for _, t in each(choice.tail, ()) if t in scenario.stocks]
    place = ids_at(scenario, tails[0].at) if tails else None
    if place is None:
        head = scenario.stocks.get(choice.head or "")
        place = None if head is None else ids_at(scenario, head.at)
    usable = ids_at(scenario, choice.at)
    return place if place is None or usable is None else place & usable


def _reach(
    scenario: Scenario, path: Path, start: frozenset[str] | None, end: frozenset[str] | None, who: str
) -> Iterator[Problem]:
    """Check that whoever leaves some sites finds the place that they are sent to."""
    if end is None:
        return
    if start is None:
        yield problem_at(scenario, path, f"{who} of the nation cannot enter what is at sites", "put both `at` the same")
    elif start - end:
        what = f"{who} of {listed(start - end)} would have nowhere to go: it is not there"
        yield problem_at(scenario, path, what, "put both `at` the same sites")


def check_flow_places(scenario: Scenario) -> Iterator[Problem]:
    """Is the head of each flow where its tail is?"""
    for name, flow in scenario.flows.items():
        head = scenario.stocks.get(flow.head or "")
        for path, tail in each(flow.tail, ("flows", name, "tail")):
            stock = scenario.stocks.get(tail.removesuffix(".new").removesuffix(".experienced"))
            if head is not None and stock is not None and (start := ids_at(scenario, stock.at)) is not None:
                yield from _reach(scenario, path, start, ids_at(scenario, head.at), "people")


def check_choice_places(scenario: Scenario) -> Iterator[Problem]:
    """Can people of each choice get to its head, and to where those go who fail or drop out?"""
    for name, choice in scenario.choices.items():
        path: Path = ("choices", name)
        arcs = arc_ids(scenario, choice)
        if arcs is not None and not arcs:
            yield problem_at(scenario, path, "it can be used at no site: its stocks and `at` have none in common")
            continue
        ends = [((*path, key), getattr(choice, key)) for key in ("fail_to", "drop_to")]
        for i, stage in enumerate(choice.stages):
            ends += [((*path, "stages", i, key), getattr(stage, key)) for key in ("fail_to", "drop_to")]
        if choice.to is None:
            ends.append(((*path, "head"), choice.head))
        for at, stock in ends:
            if stock in scenario.stocks:
                yield from _reach(scenario, at, arcs, ids_at(scenario, scenario.stocks[stock].at), "people")
        if choice.to is not None:
            yield from _hosts(scenario, path, choice)


def _hosts(scenario: Scenario, path: Path, choice: Choice) -> Iterator[Problem]:
    host = choice.head or next((name for _, name in each(choice.tail, ())), None)
    if host not in scenario.stocks:
        return
    there, to = ids_at(scenario, scenario.stocks[host].at), ids_at(scenario, choice.to or "sites")
    if there is None or to is None:
        yield problem_at(scenario, (*path, "to"), f"the stock '{host}' is not at sites: nobody can be sent to one")
    elif to - there:
        what = f"the stock '{host}' is not at {listed(to - there)}"
        yield problem_at(scenario, (*path, "to"), what, "name sites where it is")


def check_work_places(scenario: Scenario) -> Iterator[Problem]:
    """Is work served where the people are, and does it become work that is there?"""
    for name, work in scenario.work.items():
        path: Path = ("work", name)
        here = ids_at(scenario, work.at)
        yield from _served(scenario, path, work, here)
        ends = [*each(work.becomes, (*path, "becomes")), *each(work.leave_to, (*path, "leave_to"))]
        for at, other in ends:
            if other in scenario.work:
                yield from _reach(scenario, at, here, ids_at(scenario, scenario.work[other].at), "cases")


def _served(scenario: Scenario, path: Path, work: Work, here: frozenset[str] | None) -> Iterator[Problem]:
    covered: frozenset[str] = frozenset()
    for at, by in each(work.by, (*path, "by")):
        stock = scenario.stocks.get(by)
        if stock is None or here is None:
            return
        there = ids_at(scenario, stock.at)
        if there is None:
            hint = "put the work `at: nation`, or the stock at sites"
            yield problem_at(scenario, at, f"the national stock '{by}' cannot serve work at sites", hint)
            return
        if not there & here:
            yield problem_at(scenario, at, f"the stock '{by}' is at none of the sites of this work")
            return
        covered |= there
    if covered and here is not None and here - covered:
        what = f"nobody serves it at {listed(here - covered)}"
        yield problem_at(scenario, (*path, "by"), what, "put its stocks there, or the work elsewhere", "warning")


CHECKS: tuple[Callable[[Scenario], Iterator[Problem]], ...] = (
    check_where,
    check_sites_named,
    check_by_attribute,
    check_flow_places,
    check_choice_places,
    check_work_places,
)
