"""The door for writing: a folder, one YAML file, or one Excel workbook, by the name of the target."""

from __future__ import annotations

from pathlib import Path as File

from fieldshift.scenario import write as text
from fieldshift.scenario.schema import Scenario
from fieldshift.scenario.workbook import workbook_bytes
from fieldshift.scenario.write import finite, replaced

__all__ = ["write"]


def write(scenario: Scenario, folder: str | File) -> File:
    """Write a scenario so that `read` gives it back, and return where.

    A new folder appears whole or not at all. In a folder that is there already, each file is replaced whole,
    `scenario.yaml` last; other files stay. The same scenario gives the same bytes.

    Args:
        scenario: Any scenario.
        folder: A folder for `scenario.yaml` and its tables, or the name of one `.yaml` or `.xlsx` file.

    Raises:
        ScenarioError: If a number in it is not finite, or a value is too long for a cell of a workbook.
    """
    target = File(folder)
    if target.suffix.lower() == ".xlsx":
        return replaced(target, workbook_bytes(finite(scenario), scenario.currency))
    return text.write(scenario, target)
