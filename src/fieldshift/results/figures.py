"""A number as a reader gets it, the same on every face: shares in per cent, millions with their name, bands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["band", "figure"]


def figure(value: float, unit: str) -> str:
    """Return a number for a reader: shares in per cent, millions and more with their name."""
    if unit in ("1", "1/year"):
        return f"{_digits(100.0 * value, 99.95)} %"
    for size, name in ((1e9, "bn"), (1e6, "m")):
        if abs(value) >= 10 * size or (abs(value) >= size and unit.isupper()):
            return f"{_digits(value / size, 99.95)} {name}"
    return _digits(value, 9.95)


def band(row: Mapping[str, Any]) -> str:
    """Return the middle future with the 80 % band: `150 (145 to 155)`.

    Args:
        row: What has `low`, `middle`, `high` and `unit`, such as an outlook of `told`.
    """
    if row["middle"] is None:
        return "-"
    low, middle, high = (figure(row[key], row["unit"]) for key in ("low", "middle", "high"))
    return middle if low == high == middle else f"{middle} ({low} to {high})"


def _digits(value: float, whole_from: float) -> str:
    if abs(value) >= whole_from or abs(value - round(value)) < 1e-6:
        return f"{round(value) + 0:,}"
    return f"{value:.1f}"
