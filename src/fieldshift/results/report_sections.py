"""What makes the sections of a report, in their order."""

from __future__ import annotations

from collections.abc import Callable

from fieldshift.results.report_about import about_section, evidence_section
from fieldshift.results.report_bound import bound_section
from fieldshift.results.report_drives import drives_section
from fieldshift.results.report_fans import fan_section
from fieldshift.results.report_head import headline_section
from fieldshift.results.report_money import money_section
from fieldshift.results.report_page import Section
from fieldshift.results.report_people import people_section
from fieldshift.results.report_places import map_section, offices_section
from fieldshift.results.report_plan import plan_section, shortages_section
from fieldshift.results.report_policies import policies_section
from fieldshift.results.report_undone import undone_section
from fieldshift.results.result import Result

__all__ = ["MAKERS", "sections_of"]

MAKERS: tuple[Callable[[Result], Section | None], ...] = (
    headline_section,
    people_section,
    policies_section,
    plan_section,
    shortages_section,
    fan_section,
    drives_section,
    map_section,
    money_section,
    undone_section,
    bound_section,
    offices_section,
    evidence_section,
    about_section,
)
"""What makes the sections of a report, in their order; one that has nothing to say returns None."""


def sections_of(result: Result) -> list[Section]:
    """Return the sections that a report of a run has unless told otherwise."""
    return [section for section in (make(result) for make in MAKERS) if section is not None]
