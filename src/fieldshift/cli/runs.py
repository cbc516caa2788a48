"""Verbs about finished runs: set side by side, told on a page, written as tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

import fieldshift as fs
from fieldshift.cli.options import Case, Futures, of_futures, that_talks
from fieldshift.cli.places import PARQUET_MARK, for_a_workbook, for_tables, is_run
from fieldshift.cli.run import simulated
from fieldshift.cli.sides import compared_text
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
    sides = fs.sides_of(given, results, base)
    unpaired = fs.why_unpaired(results)
    if unpaired:
        talk.say(f"Unpaired: the runs differ in {unpaired}, so their futures are not the same.")
    rows = fs.compared(sides)
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
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the tables as CSV.")
@click.option("--xlsx", type=click.Path(path_type=Path), metavar="FILE", help="An Excel workbook with charts, .xlsx.")
@click.option("--parquet", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the tables as Parquet.")
@click.option("--suppress", type=click.IntRange(2), metavar="N", help="Hide counts under N, such as 5.")
@that_talks
def export(
    folder: Path, out: Path | None, xlsx: Path | None, parquet: Path | None, suppress: int | None, talk: Talk
) -> None:
    """Write a run for other tools: CSV, an Excel workbook, Parquet, or several of them.

    The workbook tells large tables at fewer dates; CSV and Parquet tell every date.
    """
    if out is None and xlsx is None and parquet is None:
        raise fs.UsageError("say what to write: -o DIR (CSV), --xlsx FILE (a workbook), --parquet DIR, or several")
    if out is not None and parquet is not None and out.resolve() == parquet.resolve():
        raise fs.UsageError(f"CSV and Parquet both go to '{out}': name two folders")
    csv_in = None if out is None else for_tables(out)
    book = None if xlsx is None else for_a_workbook(xlsx)
    parquet_in = None if parquet is None else for_tables(parquet, PARQUET_MARK)
    result = fs.load(folder)
    files: list[Path] = []
    if csv_in is not None:
        files += fs.export(result, csv_in, suppress)
        kept(f"the tables in {csv_in}")
    if parquet_in is not None:
        files += fs.export_parquet(result, parquet_in, suppress)
        kept(f"the tables in {parquet_in}")
    if book is not None:
        files.append(fs.export_workbook(result, book, suppress))
        kept(f"the workbook {book}")
    listed = [str(file) for file in files]
    places = {"folder": out, "workbook": book, "parquet": parquet}
    told = {name: None if place is None else str(place) for name, place in places.items()}
    talk.tell("\n".join(listed), {"run": str(folder), **told, "files": listed, "suppress": suppress})
