"""The shell: `fieldshift VERB ...`. Each verb is a public function with words around it.

Exit codes: 0 done, 1 failure, 2 bad usage or bad scenario, 3 no feasible plan, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import click

import fieldshift as fs
from fieldshift.cli.cases import cases, check, new, show
from fieldshift.cli.explore import explore
from fieldshift.cli.plan import evaluate, needs, optimize
from fieldshift.cli.run import run, simulate
from fieldshift.cli.runs import compare, export, report
from fieldshift.cli.serve import serve
from fieldshift.cli.study import backtest, calibrate, import_check
from fieldshift.cli.talk import Kept, counted

__all__ = ["main", "shell"]

INTERRUPTED = 130
VERBS = (
    new,
    cases,
    check,
    show,
    run,
    simulate,
    optimize,
    needs,
    evaluate,
    explore,
    import_check,
    calibrate,
    backtest,
    compare,
    report,
    export,
    serve,
)


class _InOrder(click.Group):
    """A group that lists its verbs in the order in which a planner meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(
    cls=_InOrder,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="CASE is a folder, a .yaml file, or a shipped case's name. Start: fieldshift new my-case",
)
@click.version_option(fs.__version__, prog_name="fieldshift", message="%(prog)s %(version)s")
def shell() -> None:
    """Plan and simulate moving an organisation's people from desks to the field.

    Numbers of people and of cases, by site and kind only. Results go to stdout, talk to stderr.
    """


for _verb in VERBS:
    shell.add_command(_verb)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run the shell and leave with its exit code."""
    kept = Kept()
    try:
        code = _run(list(sys.argv[1:] if args is None else args), kept)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        click.echo(f"\nStopped. {_what(kept)}", err=True)
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last door: a person reads one line, not a traceback
        code = _unexpected(error)
    sys.exit(code)


def _run(args: list[str], kept: Kept) -> int:
    try:
        with shell.make_context("fieldshift", args, obj=kept) as context:
            shell.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except fs.ScenarioError as error:
        tell_problems(error.problems)
        return error.exit_code
    except fs.Interrupted as error:
        click.echo(f"{str(error) or 'Stopped.'} {_what(kept)}", err=True)
        return error.exit_code
    except fs.FieldshiftError as error:
        click.echo(f"fieldshift: {error}", err=True)
        return error.exit_code
    return 0


def tell_problems(problems: Sequence[fs.Problem]) -> None:
    """Tell all problems of a scenario on stderr, a line each, and how many there are."""
    for problem in problems:
        click.echo(str(problem), err=True)
    errors = sum(p.level == "error" for p in problems)
    click.echo(f"{counted(errors, 'error')}, {counted(len(problems) - errors, 'warning')}", err=True)


def _what(kept: Kept) -> str:
    return f"Kept: {', '.join(kept.things)}." if kept.things else "Nothing was written."


def _unexpected(error: Exception) -> int:
    if isinstance(error, OSError) and error.filename is not None:
        click.echo(f"fieldshift: {error.filename}: {error.strerror}", err=True)
        return 1
    if os.environ.get("FIELDSHIFT_DEBUG") == "1":
        with suppress(Exception):
            sys.excepthook(type(error), error, error.__traceback__)
        return 1
    line = " ".join(str(error).split())
    click.echo(f"fieldshift: unexpected {type(error).__name__}: {line[:300]}", err=True)
    click.echo(
        "This is a bug. Please report it to the project's issue tracker, with the command and what "
        "FIELDSHIFT_DEBUG=1 shows.",
        err=True,
    )
    return 1
