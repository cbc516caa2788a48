"""Verbs about finished runs: set side by side, told on a page, written as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.options import Case, Futures, of_futures, that_talks
from fieldshift.cli.places import for_tables, is_run
from fieldshift.cli.run import simulated
from fieldshift.cli.sides import compared, compared_text, sides_of, why_unpaired
from fieldshift.cli.talk import Talk, kept

__all__ = ["compare", "export", "report"]


@click.command()
@click.argument("given", metavar="RUN...|CASE", nargs=-1, required=True)
@click.option("--base", metavar="POLICY", help="What to compare with. [the first policy of the first run]")
@click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="CASE only: change one value; repeatable.")
@click.option("--with", "overlays", multiple=True, metavar="FILE", help="CASE only: lay a YAML file over it.")
@of_futures
@that_talks
def compare(
    given: Sequence[str],
    base: str | None,
    changes: Sequence[str],
    overlays: Sequence[str],
    futures: Futures,
    talk: Talk,
) -> None:
    """Set policies or runs side by side: differences on the same futures.

    A CASE is simulated first and nothing is kept. Runs that differ in seed, futures or dates do not share
    their luck: the difference of their means is told, without a band.
    """
    if len(given) == 1 and not is_run(Path(given[0])):
        case = Case(given[0], changes, overlays)
        results = [simulated(case.checked(talk), (), futures, talk)]
    else:
        if changes or overlays:
            raise fs.UsageError("--set and --with change a case; what is compared here are finished runs")
        results = [fs.load(Path(folder)) for folder in given]
    sides = sides_of(given, results, base)
    unpaired = why_unpaired(results)
    if unpaired:
        talk.say(f"Unpaired: the runs differ in {unpaired}, so their futures are not the same.")
    rows = compared(sides)
    talk.tell(compared_text(sides, rows), {"base": sides[0].label, "paired": not unpaired, "differences": rows})


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="The page to write.")
@that_talks
def report(folder: Path, out: Path, talk: Talk) -> None:
    """Write the report of a run: one page that needs no network."""
    result = fs.load(folder)
    written = fs.report(result, out)
    kept(f"the report {written}")
    talk.tell(str(written), {"run": str(folder), "report": str(written), "bytes": written.stat().st_size})


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, metavar="DIR", help="Folder of the tables."
)
@click.option("--suppress", type=click.IntRange(2), metavar="N", help="Hide counts under N, such as 5.")
@that_talks
def export(folder: Path, out: Path, suppress: int | None, talk: Talk) -> None:
    """Write a run's tables as CSV for other tools.

    For Parquet, take the files in RUN itself.
    """
    result = fs.load(folder)
    files = [str(file) for file in fs.export(result, for_tables(out), suppress)]
    kept(f"the tables in {out}")
    talk.tell("\n".join(files), {"run": str(folder), "folder": str(out), "files": files, "suppress": suppress})
