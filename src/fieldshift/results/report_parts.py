"""The content of a report for another page: sections as HTML without inline styles, and the data of their charts."""

from __future__ import annotations

from collections.abc import Iterable

from fieldshift.results.report_data import policy_titles
from fieldshift.results.report_html import Parts, parts_of
from fieldshift.results.report_page import Section
from fieldshift.results.report_sections import sections_of
from fieldshift.results.result import Result

__all__ = ["report_parts"]


def report_parts(result: Result, sections: Iterable[Section] | None = None) -> Parts:
    """Return the content of a run's report for another page.

    Args:
        result: The run.
        sections: What stands in it; what its report has otherwise.
    """
    about = result.scenario.about if result.scenario is not None else None
    return Parts(
        result.name,
        " ".join((about or "").split()),
        result.scenario.as_of if result.scenario is not None else None,
        result.axes.instants[0],
        result.axes.instants[-1],
        result.draws,
        policy_titles(result),
        parts_of(sections_of(result) if sections is None else list(sections)),
    )
