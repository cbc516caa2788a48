"""Attributes of sites: do they exist, are they numbers, and do they spread a number over all sites?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fieldshift.errors import Problem
from fieldshift.network.checks_places import arc_ids, attributes_of, ids_at, listed
from fieldshift.scenario.identity import COUNTS_ONLY, personal_column
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import nearest, problem_at, slots
from fieldshift.scenario.schema import Choice, Scenario, Schedule, Site, Stage

__all__ = ["CHECKS"]

_Spread = tuple[Path, str | dict[str, float], frozenset[str] | None]


def _spreads(scenario: Scenario) -> Iterator[_Spread]:
    """Yield each spread that is used, and the sites that it is over."""
    everywhere = ids_at(scenario, "sites")
    for name, stock in scenario.stocks.items():
        yield ("stocks", name, "spread"), stock.spread, ids_at(scenario, stock.at)
    for name, work in scenario.work.items():
        yield ("work", name, "spread"), work.spread, ids_at(scenario, work.at)
    for name, flow in scenario.flows.items():
        head = scenario.stocks.get(flow.head or "")
        yield (
            ("flows", name, "spread"),
            flow.spread,
            everywhere if head is None else ids_at(scenario, head.at),
        )
    for name, need in scenario.needs.items():
        if need.spread is not None:
            yield ("needs", name, "spread"), need.spread, everywhere
    yield from _spreads_begun(scenario)
    yield from _spreads_asked(scenario)


def _spreads_begun(scenario: Scenario) -> Iterator[_Spread]:
    for name, choice in scenario.choices.items():
        legs: list[tuple[Path, Choice | Stage]] = [(("choices", name), choice)]
        legs += [(("choices", name, "stages", i), stage) for i, stage in enumerate(choice.stages)]
        for path, leg in legs:
            if leg.begun is not None:
                yield (*path, "spread"), leg.spread, arc_ids(scenario, choice)


def _spreads_asked(scenario: Scenario) -> Iterator[_Spread]:
    for name, policy in scenario.policies.items():
        for i, rule in enumerate(policy.rules):
            if isinstance(rule, Schedule) and rule.choice in scenario.choices:
                path: Path = ("policies", name, "rules", i)
                choice = scenario.choices[rule.choice]
                if rule.spread != "tail":
                    yield (*path, "spread"), rule.spread, arc_ids(scenario, choice)
                if rule.to is not None:
                    yield (*path, "to"), rule.to, ids_at(scenario, choice.to or "sites")


def check_spreads(scenario: Scenario) -> Iterator[Problem]:
    """Does every spread give shares to the sites that it is over, none negative and not all zero?"""
    for path, spread, ids in _spreads(scenario):
        if ids is None:
            if isinstance(spread, Mapping):
                yield problem_at(scenario, path, "there are no sites to spread over here")
            continue
        if not ids:
            continue
        if isinstance(spread, Mapping):
            yield from _shares(scenario, path, spread, ids)
        elif spread != "even":
            yield from _numeric(scenario, path, spread, ids, True)


def _shares(scenario: Scenario, path: Path, spread: Mapping[str, float], ids: frozenset[str]) -> Iterator[Problem]:
    known = [site.id for site in scenario.sites]
    for site, share in spread.items():
        if site not in ids:
            there = site in known
            what = f"the site '{site}' is not among those here" if there else f"there is no site '{site}'"
            yield problem_at(scenario, (*path, site), what, "" if there else nearest(site, known, "sites"))
        if not share >= 0:
            yield problem_at(scenario, (*path, site), f"a share must be at least 0, got {share:g}")
    missing = ids - set(spread)
    if missing:
        yield problem_at(scenario, path, f"no share for {listed(missing)}", "0 where there is none")
    elif not sum(spread.values()) > 0:
        yield problem_at(scenario, path, "all shares are zero", "at least one must be more")


def _numeric(scenario: Scenario, path: Path, name: str, ids: frozenset[str], weights: bool) -> Iterator[Problem]:
    """Check an attribute that must be a number, not negative, at each of some sites."""
    given = {site.id: site.attributes.get(name) for site in scenario.sites if site.id in ids}
    if all(value is None for value in given.values()):
        known = {key for site in scenario.sites for key, value in site.attributes.items() if _number(value)}
        hints = known | ({"even"} if weights else set())
        yield problem_at(scenario, path, f"no site has '{name}'", nearest(name, hints, "numbers of sites"))
        return
    for site, value in given.items():
        if not _number(value):
            said = "no" if value is None else f"'{value}' as"
            what = f"the site {site} has {said} '{name}', where a number is needed"
            yield problem_at(scenario, _site_path(scenario, site, name) if value is not None else path, what)
            return
        if not float(str(value)) >= 0:
            what = f"'{name}' must be at least 0, got {value} at {site}"
            yield problem_at(scenario, _site_path(scenario, site, name), what)
            return
    if weights and not sum(float(str(value)) for value in given.values()) > 0:
        yield problem_at(scenario, path, f"'{name}' is 0 at every site here", "use `even`, or give weights")


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _site_path(scenario: Scenario, site: str, attribute: str) -> Path:
    return ("sites", next(i for i, s in enumerate(scenario.sites) if s.id == site), attribute)


def check_attributes(scenario: Scenario) -> Iterator[Problem]:
    """Are the attributes numbers that multiply a standard or rank sites?"""
    for name, work in scenario.work.items():
        ids = ids_at(scenario, work.at)
        if work.vary is not None and ids:
            yield from _numeric(scenario, ("work", name, "vary"), work.vary, ids, False)
    for name, resource in scenario.resources.items():
        if resource.rank is not None and scenario.sites:
            ids = frozenset(site.id for site in scenario.sites)
            yield from _numeric(scenario, ("resources", name, "rank"), resource.rank, ids, False)


def check_site_columns(scenario: Scenario) -> Iterator[Problem]:
    """Is an attribute of the sites a described one written wrong, or a person's?"""
    described = set(slots(Site))
    for name in sorted(attributes_of(scenario) - described):
        path = ("sites", next(i for i, s in enumerate(scenario.sites) if name in s.attributes), name)
        close = nearest(name, described)
        if personal_column(name):
            yield problem_at(scenario, path, f"'{name}' looks like a person's identity", COUNTS_ONLY)
        elif close.startswith("did") and len(name) > 3:
            yield problem_at(scenario, path, f"'{name}' is taken as an attribute", close, "warning")


CHECKS = (check_spreads, check_attributes, check_site_columns)
