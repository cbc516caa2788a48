"""Fieldshift: plan and simulate moving an organisation's people from desks to the field.

The public names, listed, and where compiled code is kept. The names are imported when first used, so that
`fieldshift --help` is quick.
"""

import atexit
import os
from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "FieldshiftError": "errors",
    "Problem": "errors",
    "ScenarioError": "errors",
    "UsageError": "errors",
    "WorkerError": "errors",
    "Interrupted": "errors",
    "RunError": "errors",
    "Scenario": "scenario.schema",
    "read": "scenario.read",
    "from_yaml": "scenario.read",
    "to_yaml": "scenario.write",
    "cases": "scenario.read",
    "overlaid": "scenario.read",
    "digest": "scenario.read",
    "overlay_between": "scenario.between",
    "dictionary": "scenario.dictionary",
    "Field": "scenario.dictionary",
    "PartKind": "scenario.dictionary",
    "Draft": "scenario.drafting",
    "write": "scenario.writing",
    "check": "network.checks",
    "problems": "network.checks",
    "unknowns": "scenario.number",
    "build": "network.build",
    "Network": "network.graph",
    "show": "network.show",
    "Decision": "engines.engine",
    "View": "engines.view",
    "Policy": "engines.policies",
    "Stay": "engines.policies",
    "simulate": "engines.simulate",
    "mean": "engines.simulate",
    "optimize": "engines.planning",
    "planned": "engines.planning",
    "solved": "engines.planning",
    "judged": "engines.planning",
    "arriving": "results.planned",
    "needed": "engines.planning",
    "with_plan": "engines.planning",
    "shortages": "engines.prices",
    "gaps": "engines.gaps",
    "explain": "engines.explain",
    "Solution": "engines.optimize",
    "with_loss": "engines.optimize",
    "Plan": "engines.plan",
    "NoPlan": "errors",
    "Goal": "scenario.schema",
    "evaluate": "engines.evaluate",
    "Evaluation": "engines.evaluation",
    "Replan": "engines.replan",
    "robust": "engines.robust",
    "Robust": "engines.robust",
    "explore": "study.explore",
    "Exploration": "study.exploration",
    "exploration_page": "study.explore_page",
    "exploration_parts": "study.explore_page",
    "warm_up": "engines.simulate",
    "Result": "results.result",
    "summary": "results.summary",
    "told": "results.summary",
    "figure": "results.figures",
    "band": "results.figures",
    "save": "results.runs",
    "load": "results.runs",
    "export": "results.runs",
    "export_parquet": "results.parquet_tables",
    "export_workbook": "results.workbook",
    "report": "results.report",
    "Comparison": "results.comparison",
    "comparison": "results.comparison",
    "comparison_parts": "results.comparison",
    "Side": "results.sides",
    "sides_of": "results.sides",
    "compared": "results.sides",
    "why_unpaired": "results.sides",
    "report_parts": "results.report_parts",
    "report_assets": "results.report_html",
    "picked": "results.picked",
    "picked_part": "results.picked",
    "Picked": "results.picked",
    "sections_of": "results.report_sections",
    "Part": "results.report_html",
    "Parts": "results.report_html",
    "calibrate": "study.calibrate",
    "Calibration": "study.calibrate",
    "read_history": "study.history",
    "History": "study.history",
    "day_of": "study.spelled",
    "import_check": "study.ledger",
    "ImportCheck": "study.ledger",
    "fit_staffing": "study.staffing",
    "Staffing": "study.staffing",
    "fitted_rates": "study.staffing_case",
    "staffing_as_dict": "study.staffing_case",
    "staffing_overlay": "study.staffing_case",
    "staffing_scenario": "study.staffing_case",
    "write_staffing": "study.staffing_case",
    "backtest_staffing": "study.staffing_backtest",
    "StaffingBacktest": "study.staffing_backtest",
    "write_backtest": "study.tested_page",
    "backtest": "study.backtest",
    "Backtest": "study.backtest",
    "serve": "web.serving",
    "new_link": "web.serving",
    "default_store": "web.serving",
    "DeskSettings": "web.serving",
    "DeskLimits": "web.serving",
}

__all__ = ["__version__", *_WHERE]


def _keep_compiled_code() -> None:
    """See to it that the engine can be compiled where neither the installation nor a home can be written to.

    Then its code lies in a folder of this process and of those that it starts, and goes with it. A service names a
    better one in `NUMBA_CACHE_DIR`.
    """
    places = (
        Path(__file__).parent / "engines",
        Path(os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', os.devnull)}/.cache"),
    )
    if "NUMBA_CACHE_DIR" in os.environ or any(map(_writable, places)):
        return
    import shutil
    import tempfile

    room = os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="fieldshift-")
    atexit.register(shutil.rmtree, room, ignore_errors=True)


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK)


_keep_compiled_code()


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'fieldshift' has no attribute {name!r}")
    return getattr(import_module(f"fieldshift.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
