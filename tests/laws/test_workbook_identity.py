"""A law: folder, workbook and folder again are the same scenario, for whatever a planner might write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from planner import calm_plans, plans, scenario_of

import fieldshift as fs
from fieldshift.scenario.schema import Scenario


def there_and_back(scenario: Scenario, folder: Path) -> None:
    first = fs.read(fs.write(scenario, folder / "first"))
    book = fs.read(fs.write(first, folder / "book.xlsx"))
    last = fs.write(book, folder / "last")
    assert book == first == scenario
    assert fs.digest(book) == fs.digest(scenario)
    files = {file.name: file.read_bytes() for file in (folder / "first").iterdir()}
    assert {file.name: file.read_bytes() for file in last.iterdir()} == files


@pytest.mark.slow
@settings(max_examples=25)
@given(plan=plans() | calm_plans())
def test_folder_workbook_folder_is_the_identity(
    tmp_path_factory: pytest.TempPathFactory, plan: dict[str, object]
) -> None:
    there_and_back(scenario_of(plan), tmp_path_factory.mktemp("there"))


@pytest.mark.parametrize("name", fs.cases())
def test_shipped_cases_go_there_and_back(tmp_path: Path, name: str) -> None:
    there_and_back(fs.read(name), tmp_path)
