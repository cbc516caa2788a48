"""The public names with their types; `__init__.py` imports each when it is first used."""

from fieldshift.engines.engine import Decision as Decision
from fieldshift.engines.evaluate import evaluate as evaluate
from fieldshift.engines.evaluation import Evaluation as Evaluation
from fieldshift.engines.optimize import Solution as Solution
from fieldshift.engines.plan import Plan as Plan
from fieldshift.engines.planning import optimize as optimize
from fieldshift.engines.planning import planned as planned
from fieldshift.engines.planning import with_plan as with_plan
from fieldshift.engines.policies import Policy as Policy
from fieldshift.engines.policies import Stay as Stay
from fieldshift.engines.replan import Replan as Replan
from fieldshift.engines.robust import Robust as Robust
from fieldshift.engines.robust import robust as robust
from fieldshift.engines.simulate import mean as mean
from fieldshift.engines.simulate import simulate as simulate
from fieldshift.engines.simulate import warm_up as warm_up
from fieldshift.engines.view import View as View
from fieldshift.errors import FieldshiftError as FieldshiftError
from fieldshift.errors import Interrupted as Interrupted
from fieldshift.errors import NoPlan as NoPlan
from fieldshift.errors import Problem as Problem
from fieldshift.errors import RunError as RunError
from fieldshift.errors import ScenarioError as ScenarioError
from fieldshift.errors import UsageError as UsageError
from fieldshift.errors import WorkerError as WorkerError
from fieldshift.network.build import build as build
from fieldshift.network.checks import check as check
from fieldshift.network.checks import problems as problems
from fieldshift.network.graph import Network as Network
from fieldshift.network.show import show as show
from fieldshift.results.report import report as report
from fieldshift.results.result import Result as Result
from fieldshift.results.runs import export as export
from fieldshift.results.runs import load as load
from fieldshift.results.runs import save as save
from fieldshift.results.summary import summary as summary
from fieldshift.scenario.read import cases as cases
from fieldshift.scenario.read import digest as digest
from fieldshift.scenario.read import overlaid as overlaid
from fieldshift.scenario.read import read as read
from fieldshift.scenario.schema import Goal as Goal
from fieldshift.scenario.schema import Scenario as Scenario
from fieldshift.scenario.write import write as write

__version__: str
