"""Fieldshift: plan and simulate moving an organisation's people from desks to the field.

The public names, listed, nothing else. They are imported when first used, so that `fieldshift --help` is quick.
"""

from importlib import import_module
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
    "cases": "scenario.read",
    "overlaid": "scenario.read",
    "digest": "scenario.read",
    "write": "scenario.write",
    "check": "network.checks",
    "problems": "network.checks",
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
    "warm_up": "engines.simulate",
    "Result": "results.result",
    "summary": "results.summary",
    "save": "results.runs",
    "load": "results.runs",
    "export": "results.runs",
    "report": "results.report",
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
}

__all__ = ["__version__", *_WHERE]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'fieldshift' has no attribute {name!r}")
    return getattr(import_module(f"fieldshift.{_WHERE[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
