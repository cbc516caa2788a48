"""A run as an Excel workbook: a summary, native charts, tables by policy and site, the plan, the evidence, sources.

Numbers are those of `summary` and of the tables, written with all their digits; formats only say how they are shown.
The same run gives the same bytes. With `suppress`, counts are hidden as `publish` hides them, and what could tell them
otherwise is left out: the plan, needs, and the values of counts that the planner wrote.
"""

from __future__ import annotations

from pathlib import Path

from fieldshift.errors import UsageError
from fieldshift.results.publish import tables
from fieldshift.results.result import Result
from fieldshift.results.workbook_book import Book
from fieldshift.results.workbook_charts import chart_data_page, charts_page
from fieldshift.results.workbook_evidence import evidence_pages, measures_page, reading_page, unknowns_page
from fieldshift.results.workbook_summary import changes_page, headlines_page, summary_page
from fieldshift.results.workbook_tables import Told, bound_page, national_page, needs_pages, plan_pages, site_page

__all__ = ["export_workbook"]

_SHEETS = (
    summary_page,
    charts_page,
    headlines_page,
    changes_page,
    plan_pages,
    needs_pages,
    national_page,
    site_page,
    bound_page,
    unknowns_page,
    evidence_pages,
    measures_page,
    reading_page,
    chart_data_page,
)
"""What makes the sheets, in their order; one that has nothing to say adds none."""


def export_workbook(result: Result, path: str | Path, suppress: int | None = None) -> Path:
    """Write a run as an Excel workbook with native charts.

    The file is written whole and renamed into place.

    Args:
        result: The run.
        path: The file, ending in `.xlsx`.
        suppress: Hide counts under this number and what would give them away; see `publish`.

    Returns:
        The file.

    Raises:
        UsageError: `suppress` is below 2, or the file does not end in `.xlsx`.
        RunError: The file cannot be written.
    """
    file = Path(path)
    if file.suffix.lower() != ".xlsx":
        raise UsageError(f"'{file}' does not end in .xlsx, and Excel opens no workbook that is called otherwise")
    told = Told(result, tables(result, suppress), suppress)
    about = f"A run of Fieldshift: {result.draws} futures, seed {result.seed}."
    with Book(file, result.name, about) as book:
        for sheet in _SHEETS:
            sheet(book, told)
    return file
