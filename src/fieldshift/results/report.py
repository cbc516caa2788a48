"""The report: one HTML file that needs nothing else, and reaches for nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from markupsafe import Markup

from fieldshift.results.report_html import SCRIPTS, asset, embedded, figures_of, page_data, palette, templates
from fieldshift.results.report_page import Section
from fieldshift.results.report_sections import MAKERS, sections_of
from fieldshift.results.result import Result
from fieldshift.scenario.write import replaced

__all__ = ["MAKERS", "render", "report", "sections_of"]


def report(result: Result, path: str | Path, sections: Iterable[Section] | None = None) -> Path:
    """Write the report of a run as one HTML file that works offline.

    The file is written whole and renamed into place: a reader sees the old one or the new one.

    Args:
        result: The run.
        path: The file.
        sections: What stands in it; `sections_of(result)` otherwise.

    Returns:
        The file.
    """
    file = Path(path)
    text = render(result, sections_of(result) if sections is None else list(sections))
    return replaced(file, text)


def render(result: Result, sections: Sequence[Section]) -> str:
    """Return the page as text: the same result gives the same text."""
    scripts = [_script(name) for name in SCRIPTS] if sections else []
    about = result.scenario.about if result.scenario is not None else None
    return (
        templates()
        .get_template("report.html.j2")
        .render(
            title=result.name,
            about=" ".join((about or "").split()),
            as_of=result.scenario.as_of if result.scenario is not None else None,
            draws=result.draws,
            start=result.axes.instants[0],
            end=result.axes.instants[-1],
            sections=sections,
            policy=_policy(scripts),
            style=Markup(asset("templates/report.css") + palette()),
            scripts=[Markup(script) for script in scripts],
            data=Markup(embedded(page_data(figures_of(sections)))),
            inline=True,
        )
    )


def _script(name: str) -> str:
    """Return a script of ours or a vendored one, unable to end its element early."""
    return asset(name).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _policy(scripts: Iterable[str]) -> str:
    """Return the content security policy: no network at all, and no script but those in the page."""
    digests = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests) or "'none'"
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
