"""What every test stands on: the hypothesis profile, golden files, and a browser for those that need one."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser, sync_playwright

from quiet import QUIET

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).resolve().parent / "golden"

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background; what tests start would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


WHOLE = frozenset(
    [
        "engines/test_evaluate",
        "engines/test_optimize",
        "engines/test_replan",
        "faces/test_cli",
        "faces/test_cli_plan",
        "faces/test_cli_workbook",
        "known/test_flagship",
        "known/test_flagship_past",
        "known/test_simpy",
        "laws/test_limits",
        "laws/test_plans",
        "laws/test_resuming",
        "laws/test_same_luck",
        "results/test_report",
        "results/test_result_workbook",
        "scenario/test_workbook",
        "study/test_backtest_scenario",
        "study/test_calibrate",
        "study/test_explore",
        "web/test_accounts",
        "web/test_api_contract",
        "web/test_case_pages",
        "web/test_casebook",
        "web/test_compare_pages",
        "web/test_doors",
        "web/test_result_pages",
        "web/test_run_pages",
        "web/test_same_numbers",
        "web/test_scenario_page",
    ]
)
"""Modules that run whole cases, pages or shells: each takes many seconds, however quick its single tests are."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT / "tests").with_suffix("").as_posix() in WHOLE:
            item.add_marker(pytest.mark.slow)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="write the golden files again instead of comparing with them",
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the repository."""
    return ROOT


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with tests/golden/NAME, or write it there under --golden-update."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / name
        if request.config.getoption("--golden-update"):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
            return
        assert file.is_file(), f"no golden file {name}: make golden, then read it before you commit it"
        assert text == file.read_text(encoding="utf-8")

    return compare


@pytest.fixture(scope="session")
def chromium(root: Path) -> Path:
    """An installed Chromium; `make test` has put one there where that is possible."""
    found = subprocess.run([root / "tools" / "browser.sh", "--find-only"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip())


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Browser]:
    """Chromium, driven by Playwright; one at a time, since its loop does not bear another in the same process."""
    with sync_playwright() as play:
        made = play.chromium.launch(executable_path=str(chromium), args=list(QUIET), timeout=120_000)
        yield made
        made.close()
