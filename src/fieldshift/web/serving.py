"""Serving a desk: the server, its workers, and the link that lets the first visitor in."""

from __future__ import annotations


def serve() -> None:
    """Serve a desk."""
