"""The only module that knows DuckDB: tables to Parquet and back, and tables as Arrow streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def read(
    path: Path, where: Mapping[str, Sequence[str | int]] | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Read a Parquet file.

    Args:
        path: The file.
        where: The values that a column may have, of some columns; other rows are not read. The order of the others
            may change.
        columns: The columns that are read, of those that it has; all by default.

    Raises:
        Damaged: There is none, or it cannot be read.
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        table = connection.read_parquet(str(path))
        for name, values in (where or {}).items():
            allowed = [duckdb.ConstantExpression(value) for value in values]
            table = table.filter(duckdb.ColumnExpression(name).isin(*allowed))
        if columns is not None:
            table = table.select(*(duckdb.ColumnExpression(name) for name in columns if name in table.columns))
        found: pd.DataFrame = table.df()
    return found


def stream(frame: pd.DataFrame, requested_schema: object | None = None) -> object:
    """Return a table as an Arrow C stream (a PyCapsule); a requested schema is a wish, and is not granted.

    Source:
        The Arrow PyCapsule interface, apache.org.
    """
    return duckdb.connect().from_df(frame).__arrow_c_stream__(requested_schema)
