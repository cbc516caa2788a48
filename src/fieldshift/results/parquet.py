"""The only module that knows DuckDB: tables to Parquet and back, and tables as Arrow streams."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd

__all__ = ["Damaged", "read", "stream", "write"]

Damaged = duckdb.Error
"""What `read` raises of a file that is none."""


def write(frame: pd.DataFrame, path: Path) -> None:
    """Write a table to a Parquet file; the same table gives the same bytes."""
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.from_df(frame).write_parquet(str(path), compression="zstd")


def read(path: Path) -> pd.DataFrame:
    """Read a Parquet file.

    Raises:
        Damaged: There is none, or it cannot be read.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        found: pd.DataFrame = connection.read_parquet(str(path)).df()
    return found


def stream(frame: pd.DataFrame, requested_schema: object | None = None) -> object:
    """Return a table as an Arrow C stream (a PyCapsule); a requested schema is a wish, and is not granted.

    Source:
        The Arrow PyCapsule interface, apache.org.
    """
    return duckdb.connect().from_df(frame).__arrow_c_stream__(requested_schema)
