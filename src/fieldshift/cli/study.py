"""Verbs about the past: check a history, fit a model to it, and see how wrong forecasts of it would have been."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any

import click

import fieldshift as fs
from fieldshift.cli.options import Case, that_talks
from fieldshift.cli.talk import Talk, kept, table

__all__ = ["backtest", "calibrate", "import_check"]

Verb = Callable[..., Any]

_MARKS = ("calibration.yaml", "backtest.json")
"""What stands in a folder that a study was written to."""


@dataclass(frozen=True)
class What:
    """What a verb is about: a plain table, or a case.

    Attributes:
        given: A `.csv` table, a case's folder or YAML file, or the name of a shipped case.
        columns: What the caller says of a table's columns: `stock`, `ins`, `outs`, `where`, `over`.
        case: What the caller says of a case: `changes`, `overlays`.
    """

    given: str
    columns: dict[str, Any]
    case: dict[str, Sequence[str]] = field(default_factory=dict)

    @property
    def is_table(self) -> bool:
        """Whether it is a table."""
        return self.given.lower().endswith(".csv")

    def history(self, talk: Talk) -> fs.History:
        """Return the table as a history, and say what of it is not used; the options of a case do not fit it."""
        if any(self.case.values()):
            raise fs.UsageError(f"'{self.given}' is a table: --set and --with are for a case")
        found = fs.read_history(self.given, **self.columns)
        for problem in found.warnings:
            talk.say(str(problem))
        return found

    def scenario(self, talk: Talk) -> fs.Scenario:
        """Return the case, checked; the options of a table do not fit it."""
        named = [name for name, value in self.columns.items() if value]
        if named:
            raise fs.UsageError(f"'{self.given}' is a case: options about columns are for a .csv table ({named[0]})")
        return Case(self.given, **self.case).checked(talk)


def for_a_study(folder: Path) -> Path:
    """Return a folder that a study may be written to: new, empty, or one that a study was written to before.

    Raises:
        UsageError: Something else stands there.
    """
    known = any((folder / name).is_file() for name in _MARKS)
    if folder.exists() and not known and (not folder.is_dir() or any(folder.iterdir())):
        raise fs.UsageError(f"'{folder}' holds other things: name a new folder")
    return folder


def _names(context: click.Context, option: click.Parameter, value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def _pairs(context: click.Context, option: click.Parameter, value: Sequence[str]) -> dict[str, str]:
    found = {}
    for text in value:
        name, sign, word = text.partition("=")
        if not sign:
            raise fs.UsageError(f"--where {text!r}: write COLUMN=VALUE")
        found[name.strip()] = word.strip()
    return found


def of_something(verb: Verb) -> Verb:
    """Give a verb `WHAT` and the options about a table's columns as `what`."""

    @click.argument("what", metavar="WHAT")
    @click.option("--stock", default="", metavar="COLUMN", help="Table: the stock at the period's end.")
    @click.option("--in", "ins", default="", callback=_names, metavar="A,B", help="Table: all columns of entries.")
    @click.option("--out", "outs", default="", callback=_names, metavar="A,B", help="Table: all columns of leavers.")
    @click.option("--where", multiple=True, callback=_pairs, metavar="COLUMN=VALUE", help="Table: rows to keep.")
    @click.option("--over", default="", callback=_names, metavar="A,B", help="Table: sum rows over these columns.")
    @click.option("--set", "changes", multiple=True, metavar="PATH=VALUE", help="Case: change one value; repeatable.")
    @click.option(
        "--with", "overlays", multiple=True, metavar="FILE", help="Case: lay a YAML file over it; repeatable."
    )
    @wraps(verb)
    def wrapped(*, what: str, **rest: Any) -> Any:
        columns = {name: rest.pop(name) for name in ("stock", "ins", "outs", "where", "over")}
        case = {name: rest.pop(name) for name in ("changes", "overlays")}
        return verb(what=What(what, columns, case), **rest)

    return wrapped


@click.command(name="import-check")
@of_something
@that_talks
def import_check(what: What, talk: Talk) -> None:
    """Check a table of stocks and flows: stock = last + in - out, each residual listed.

    WHAT is a .csv table with a row for each organisation and month, quarter or year. Nothing is mended; likely causes
    are named. The exit code is 0 whatever does not balance.
    """
    if not what.is_table:
        raise fs.UsageError(f"'{what.given}' is not a .csv table of stocks and flows")
    found = fs.import_check(what.history(talk))
    rows = []
    for org, mine in found.residuals.groupby("org", sort=False):
        rows.append([str(org)])
        rows += [_balance(row) for row in mine.to_dict("records")]
    heads = ["period", "before", "entered", "left", "stock", "unexplained"]
    talk.tell("\n\n".join([table(heads, rows), "\n".join(found.sentences())]), found.as_dict())


def _balance(row: Mapping[Any, Any]) -> list[str]:
    numbers = [row[name] for name in ("before", "entered", "left", "stock")]
    return [str(row["period"]), *(_known(number, ",.0f") for number in numbers), _known(row["residual"], "+,.0f")]


def _known(number: float, form: str) -> str:
    return "-" if math.isnan(number) else format(number, form)


def _fitted_to(what: What, until: str | None, out: Path | None, talk: Talk) -> None:
    history = what.history(talk)
    staffing = fs.fit_staffing(history, fs.day_of(until) if until else None)
    numbers = fs.fitted_rates(staffing)
    rows: list[list[str]] = []
    for org, mine in numbers.groupby("org", sort=False):
        rows.append([str(org)])
        for row in mine.to_dict("records"):
            ends = " to ".join(_short(row[name], row["unit"]) for name in ("low80", "high80"))
            rows.append([row["number"], _short(row["value"], row["unit"]), ends])
    data = fs.staffing_as_dict(staffing)
    parts = [table(["fitted, a month", "value", "80 % interval"], rows)]
    if out is not None:
        files = fs.write_staffing(staffing, for_a_study(out))
        for name, file in files.items():
            kept(f"the {name} {file}")
        data["files"] = {name: str(file) for name, file in files.items()}
        parts.append("\n".join(f"{name:<9} {file}" for name, file in files.items()))
    talk.tell("\n\n".join(parts), data)
    if out is not None:
        talk.say(f"Next: fieldshift run {out / 'case'} -o {out}-run")


def _short(value: float, unit: str) -> str:
    return f"{value:,.0f}" if unit.startswith("person") else f"{100 * value:.3g} %"


@click.command()
@of_something
@click.option("--until", metavar="DATE", help="The last day whose rows are known. [the last of all]")
@click.option("--fit", callback=_names, default="", metavar="A,B", help="Case: unknowns to fit, by path. [as it says]")
@click.option("--policy", metavar="NAME", help="Case: the policy that was in force. [the first]")
@click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N", help="Case: seed of all draws."
)
@click.option("-o", "--folder", "out", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to.")
@that_talks
def calibrate(what: What, until: str | None, out: Path | None, talk: Talk, **how: Any) -> None:
    """Fit a model to what happened: a table's staffing, or a case's unknowns.

    WHAT is a .csv table of stocks and flows, or a case that carries its history. Of a table, DIR gets a scenario that
    runs (`case`), an overlay, and the numbers; of a case, the overlay and the numbers.
    """
    if what.is_table:
        _fitted_to(what, until, out, talk)
        return
    how["fit"] = how["fit"] or None
    found = fs.calibrate(what.scenario(talk), until=fs.day_of(until) if until else None, **how)
    data, parts = found.as_json(), ["\n".join(found.sentences())]
    if out is not None:
        place = for_a_study(out)
        files = {"overlay": found.write(place / "calibration.yaml")}
        data["files"] = {name: str(file) for name, file in files.items()}
        kept(f"the overlay {files['overlay']}")
        parts.append(f"Overlay  {files['overlay']}")
    talk.tell("\n\n".join(parts), data)


@click.command()
@of_something
@click.option("--origin", "origins", multiple=True, required=True, metavar="DATE", help="A past day; repeatable.")
@click.option("--horizon", default="13", show_default=True, metavar="N", help="Periods ahead; of a case, months.")
@click.option(
    "--given",
    callback=_names,
    default="",
    metavar="A,B",
    help="What is given as it turned out: of a table `hires`, of a case names of its series.",
)
@click.option("--policy", metavar="NAME", help="Case: the policy that was in force. [the first]")
@click.option("--draws", type=click.IntRange(50), default=1000, show_default=True, metavar="N", help="Futures of each.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, metavar="N", help="Seed of all draws.")
@click.option("-o", "--folder", "out", type=click.Path(path_type=Path), metavar="DIR", help="Folder to write to.")
@that_talks
def backtest(what: What, origins: Sequence[str], out: Path | None, talk: Talk, **how: Any) -> None:
    """Forecast from days of the past, and score the forecasts against what followed.

    WHAT is a .csv table of stocks and flows, or a case that carries its history. A forecast knows only rows that were
    known by its day, and what is given.
    """
    days = [fs.day_of(part.strip()) for text in origins for part in text.split(",") if part.strip()]
    if out is not None:
        for_a_study(out)
    found = _of_a_table(what, days, how, talk) if what.is_table else _of_a_case(what, days, how, talk)
    data, parts = found.as_json(), [_scores(found), found.sentence]
    if out is not None:
        files = fs.write_backtest(found, out)
        for name, file in files.items():
            kept(f"the {name} {file}")
        data["files"] = {name: str(file) for name, file in files.items()}
        parts.append("\n".join(f"{name:<7} {file}" for name, file in files.items()))
    talk.tell("\n\n".join(parts), data)


def _of_a_table(what: What, days: Sequence[dt.date], how: Mapping[str, Any], talk: Talk) -> fs.StaffingBacktest:
    if not how["horizon"].isdigit() or not int(how["horizon"]):
        raise fs.UsageError(f"--horizon is {how['horizon']!r}: of a table, a number of its periods")
    if how["given"] not in ((), ("hires",)):
        raise fs.UsageError(f"--given is {','.join(how['given'])!r}: of a table only hires can be given")
    found = fs.backtest_staffing(
        what.history(talk),
        days,
        int(how["horizon"]),
        given=bool(how["given"]),
        draws=how["draws"],
        seed=how["seed"],
    )
    for day, org, why in found.skipped:
        talk.say(f"{org} was not tested from {day}: {why}")
    return found


def _of_a_case(what: What, days: Sequence[dt.date], how: Mapping[str, Any], talk: Talk) -> fs.Backtest:
    horizon = f"{how['horizon']} month" if how["horizon"].isdigit() else how["horizon"]
    own = {name: how[name] for name in ("given", "policy", "seed", "draws")}
    return fs.backtest(what.scenario(talk), days, horizon, **own)


def _scores(found: fs.StaffingBacktest | fs.Backtest) -> str:
    rows: list[list[str]] = []
    if isinstance(found, fs.Backtest):
        for row in found.scores(("series",)).to_dict("records"):
            numbers = [_known(row[name], ".2f") for name in ("mape", "bias", "crps")]
            rows.append([row["series"], *numbers, _held(row)])
        return table(["series", "missed by, %", "bias", "CRPS", "80 % band held"], rows)
    for origin, mine in found.table().groupby("origin", sort=False):
        rows.append([f"as if on {origin}"])
        for row in mine.to_dict("records"):
            errors = [row[name] for name in ("mape", "mape_constant", "mape_persistence", "mape_identity")]
            rows.append([row["org"], *(_known(error, ".2f") for error in errors), f"{row['bias']:+,.0f}", _held(row)])
    return table(["missed by, %", "forecast", "constant", "no change", "identity", "bias", "80 % band held"], rows)


def _held(row: Mapping[Any, Any]) -> str:
    return f"{100 * row['cover80']:.0f} %"
