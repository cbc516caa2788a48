"""The verb that serves the desk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import fieldshift as fs
from fieldshift.cli.talk import kept

__all__ = ["serve"]


@click.command()
@click.option("--port", type=click.IntRange(0, 65_535), default=8311, show_default=True, help="0 takes a free one.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; another needs accounts.")
@click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept. [the user's data folder]",
)
@click.option("--workers", type=click.IntRange(0, 64), default=1, show_default=True, help="Runs that go on at once.")
@click.option("--open/--no-browser", "opened", default=False, help="Open a browser on this computer. [no]")
@click.option("--link", "link_only", is_flag=True, help="Print a new one-time link to the desk, and leave.")
@click.option("--team", is_flag=True, help="Visitors have accounts and roles.")
@click.option("--address", metavar="URL", help="Where visitors see it, such as https://desk.example.org.")
@click.option("--sso-header", "header", metavar="NAME", help="The header in which a proxy names who comes in.")
@click.option("--proxy", "proxies", multiple=True, metavar="IP", help="Believe this proxy; repeatable.")
@click.option(
    "--sso-role",
    type=click.Choice(["viewer", "analyst", "admin"]),
    default="viewer",
    show_default=True,
    help="Role of whoever the proxy names for the first time.",
)
def serve(**given: Any) -> None:
    """Serve the desk: cases, runs and results as pages in a browser.

    Without accounts it listens at this computer only and prints a link that is good once. The database is SQLite in
    the store, or the one that FIELDSHIFT_DATABASE_URL names.
    """
    host, port, opened, link_only = (given.pop(name) for name in ("host", "port", "opened", "link_only"))
    settings = _settings(given)
    if link_only:
        click.echo(fs.new_link(settings, port))
        return
    kept(f"the desk in {settings.store}")
    fs.serve(settings, host=host, port=port, opened=opened, say=_say)


def _settings(given: dict[str, Any]) -> fs.DeskSettings:
    proxies: Sequence[str] = given["proxies"]
    store: Path | None = given["store"]
    return fs.DeskSettings(**{**given, "store": store or fs.default_store(), "proxies": tuple(proxies)})


def _say(text: str) -> None:
    click.echo(text, err=True)
