"""Names: does everything that is named exist, and is every name told apart?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from fieldshift.errors import Problem, ScenarioError
from fieldshift.scenario.marked import Path
from fieldshift.scenario.paths import nearest, problem_at
from fieldshift.scenario.read import overlaid
from fieldshift.scenario.schema import COLLECTIONS, Choice, Escalate, Fill, Respond, Scenario, Stage

__all__ = ["CHECKS"]

_NAME = re.compile(r"[^\W\d][\w-]*")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TURNS = {
    "work": ("pace", "arrive", "expire", "leave"),
    "stocks": ("hours",),
    "flows": ("rate", "arrive"),
    "choices": ("dropout",),
}
_LEAST = ("short", "over", "backlog", "cost", "people")
_MOST = ("served", "people")
_LOADS = ("backlog_per_head", "backlog", "used")


def each(given: str | Iterable[str] | None, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield one name or several, each with its own path."""
    if isinstance(given, str):
        yield path, given
    elif isinstance(given, Mapping):
        yield from (((*path, name), name) for name in given)
    elif given is not None:
        yield from (((*path, i), name) for i, name in enumerate(given))


def _one(collection: str) -> str:
    return {"policies": "policy", "quantities": "quantity"}.get(collection, collection.rstrip("s"))


def _absent(
    scenario: Scenario, named: Iterable[tuple[Path, str]], *collections: str, others: Iterable[str] = ()
) -> Iterator[Problem]:
    """Yield a problem for each name that stands in none of some collections."""
    known = {name for collection in collections for name in getattr(scenario, collection)} | set(others)
    for path, name in named:
        if name not in known:
            what = f"there is no {' or '.join(_one(c) for c in collections)} '{name}'"
            yield problem_at(scenario, path, what, nearest(name, known, " or ".join(collections)))


def check_flows(scenario: Scenario) -> Iterator[Problem]:
    """Do the stocks of flows exist, and their response profiles?"""
    learning = [name for name, stock in scenario.stocks.items() if stock.learning is not None]
    new = [f"{name}.{word}" for name in learning for word in ("new", "experienced")]
    for name, flow in scenario.flows.items():
        path: Path = ("flows", name)
        yield from _absent(scenario, each(flow.tail, (*path, "tail")), "stocks", others=new)
        yield from _absent(scenario, each(flow.head, (*path, "head")), "stocks")
        yield from _absent(scenario, each(flow.response, (*path, "response")), "profiles")


def check_choices(scenario: Scenario) -> Iterator[Problem]:
    """Do the stocks and resources of choices exist?"""
    for name, choice in scenario.choices.items():
        path: Path = ("choices", name)
        yield from _absent(scenario, each(choice.tail, (*path, "tail")), "stocks")
        yield from _absent(scenario, each(choice.head, (*path, "head")), "stocks")
        if choice.share is not None:
            yield from _absent(scenario, each(choice.share.of, (*path, "share", "of")), "stocks", "choices")
        yield from _leg(scenario, path, choice)
        for i, stage in enumerate(choice.stages):
            yield from _leg(scenario, (*path, "stages", i), stage)


def _leg(scenario: Scenario, path: Path, leg: Choice | Stage) -> Iterator[Problem]:
    yield from _absent(scenario, each(leg.fail_to, (*path, "fail_to")), "stocks")
    yield from _absent(scenario, each(leg.drop_to, (*path, "drop_to")), "stocks")
    yield from _absent(scenario, each(leg.uses, (*path, "uses")), "resources")
    yield from _absent(scenario, each(leg.takes, (*path, "takes")), "resources")
    if leg.instructors is not None:
        yield from _absent(scenario, [((*path, "instructors", "stock"), leg.instructors.stock)], "stocks")


def check_work(scenario: Scenario) -> Iterator[Problem]:
    """Do the stocks that serve work exist, what it becomes, what it uses and what it responds to?"""
    for name, work in scenario.work.items():
        path: Path = ("work", name)
        yield from _absent(scenario, each(work.by, (*path, "by")), "stocks")
        yield from _absent(scenario, each(work.leave_to, (*path, "leave_to")), "work")
        yield from _absent(scenario, each(work.becomes, (*path, "becomes")), "work")
        yield from _absent(scenario, each(work.uses, (*path, "uses")), "resources")
        yield from _absent(scenario, each(work.takes, (*path, "takes")), "resources")
        yield from _absent(scenario, each(work.response, (*path, "response")), "profiles")


def check_limits(scenario: Scenario) -> Iterator[Problem]:
    """Do the parts exist that resources, budgets and needs name?"""
    for name, resource in scenario.resources.items():
        path: Path = ("resources", name)
        yield from _absent(scenario, each(resource.hold, (*path, "hold")), "stocks", "choices", "work")
        yield from _absent(scenario, each(resource.supply, (*path, "supply")), "stocks", "choices")
    groups = ("stocks", "choices", "work")
    for name, budget in scenario.budgets.items():
        yield from _absent(scenario, each(budget.pays, ("budgets", name, "pays")), *groups, others=groups)
    for name, need in scenario.needs.items():
        path = ("needs", name, "of")
        if not need.tagged:
            yield from _absent(scenario, each(need.of, path), "stocks", "choices")
        elif not any(_tagged(stock.model_dump(), need.tagged) for stock in scenario.stocks.values()):
            words = ", ".join(f"{key}: {value}" for key, value in need.tagged.items())
            yield problem_at(scenario, path, f"no stock has {words}", "see the stocks' job, duty and tags")


def _tagged(stock: Mapping[str, object], wanted: Mapping[str, str]) -> bool:
    tags = stock.get("tags")
    own = tags if isinstance(tags, Mapping) else {}
    words = {key: stock.get(key) for key in ("job", "duty", "qualification")}
    new = {"experience": "new"} if stock.get("learning") else {}
    return all({**words, **own, **new}.get(key) == value for key, value in wanted.items())


def check_events(scenario: Scenario) -> Iterator[Problem]:
    """Do the events of profiles exist, with the date that the profile counts from?"""
    for name, profile in scenario.profiles.items():
        path: Path = ("profiles", name, "event")
        yield from _absent(scenario, [(path, profile.event)], "events")
        event = scenario.events.get(profile.event)
        if event is not None and getattr(event, profile.at) is None:
            hint = f"give the event '{profile.at}', or use `at`"
            yield problem_at(scenario, path, f"the event '{profile.event}' has no date '{profile.at}'", hint)


def check_dials(scenario: Scenario) -> Iterator[Problem]:
    """Do dials turn numbers that exist and can be turned?"""
    for name, dial in scenario.dials.items():
        for turned in dial.turns:
            path: Path = ("dials", name, "turns", turned)
            collection, _, rest = turned.partition(".")
            part, _, number = rest.rpartition(".")
            if collection not in _TURNS or number not in _TURNS[collection]:
                options = [f"{c}.NAME.{n}" for c, ns in _TURNS.items() for n in ns]
                yield problem_at(scenario, path, "a dial cannot turn this", f"one of {', '.join(options)}")
            else:
                yield from _absent(scenario, [(path, part)], collection)
                given = getattr(scenario, collection).get(part)
                if given is not None and number != "pace" and getattr(given, number) is None:
                    yield problem_at(scenario, path, f"{collection}.{part} has no '{number}' to turn")


def check_policies(scenario: Scenario) -> Iterator[Problem]:
    """Do policies extend policies that exist, without a circle, and do their rules name what exists?"""
    for name, policy in scenario.policies.items():
        path: Path = ("policies", name)
        yield from _absent(scenario, each(policy.extends, (*path, "extends")), "policies")
        seen, at = [name], policy.extends
        while at in scenario.policies and at not in seen:
            seen.append(str(at))
            at = scenario.policies[str(at)].extends
        if at == name:
            yield problem_at(scenario, (*path, "extends"), f"extends itself: {' -> '.join([*seen, name])}")
        for i, rule in enumerate(policy.rules):
            yield from _rule(scenario, (*path, "rules", i), rule)


def _rule(scenario: Scenario, path: Path, rule: object) -> Iterator[Problem]:
    choice = getattr(rule, "choice", None)
    yield from _absent(scenario, each(choice, (*path, "choice")), "choices")
    if isinstance(rule, Fill):
        yield from _absent(scenario, [((*path, "stock"), rule.stock)], "stocks")
        words = ("funded", "authorised")
        if isinstance(rule.upto, str) and _WORD.fullmatch(rule.upto) and rule.upto not in scenario.quantities:
            yield from _absent(scenario, [((*path, "upto"), rule.upto)], "needs", "quantities", others=words)
        stock = scenario.stocks.get(rule.stock)
        if stock is not None and rule.upto in words and getattr(stock, str(rule.upto)) is None:
            what = f"the stock '{rule.stock}' has no '{rule.upto}' posts to fill"
            yield problem_at(scenario, (*path, "upto"), what, "give them, or fill up to a need or a number")
    elif isinstance(rule, Escalate):
        for at, watched in each(rule.watch, (*path, "watch")):
            work, dot, what = watched.rpartition(".")
            if not dot or what != "served":
                yield problem_at(scenario, at, f"'{watched}' cannot be watched", "an output: WORK.served")
            else:
                yield from _absent(scenario, [(at, work)], "work")
        if rule.first is not None:
            yield from _absent(scenario, [((*path, "first", "dial"), rule.first.dial)], "dials")
        if rule.then is not None:
            yield from _absent(scenario, [((*path, "then", "choice"), rule.then.choice)], "choices")
    elif isinstance(rule, Respond):
        yield from _absent(scenario, [((*path, "dial"), rule.dial)], "dials")
        part, dot, what = rule.watch.rpartition(".")
        if not dot or what not in _LOADS:
            hint = "a load: WORK.backlog_per_head, WORK.backlog or STOCK.used"
            yield problem_at(scenario, (*path, "watch"), f"'{rule.watch}' cannot be watched", hint)
        else:
            yield from _absent(scenario, [((*path, "watch"), part)], "stocks" if what == "used" else "work")


def check_settings(scenario: Scenario) -> Iterator[Problem]:
    """Do the settings of policies and the ends of levers lead to parts that exist, and fit there?"""
    if list(_laid(scenario, (), {})):
        return  # it does not stand by itself: told by others
    for name, policy in scenario.policies.items():
        for path, value in policy.set.items():
            yield from _laid(scenario, ("policies", name, "set", path), {path: value})
    for name, lever in scenario.levers.items():
        found = list(_laid(scenario, ("levers", name, "path"), {lever.path: lever.start_from}))
        yield from found or _laid(scenario, ("levers", name, "to"), {lever.path: lever.to})


def _laid(scenario: Scenario, path: Path, change: Mapping[str, object]) -> Iterator[Problem]:
    try:
        overlaid(scenario, change)
    except ScenarioError as error:
        for problem in error.problems:
            about = f"{problem.path}: " if problem.path not in change else ""
            yield problem_at(scenario, path, f"{about}{problem.what}", problem.hint)


def check_goals(scenario: Scenario) -> Iterator[Problem]:
    """Do goals and headlines measure something that exists?"""
    for i, goal in enumerate(scenario.goals):
        path: Path = ("goals", i)
        given = [(key, word) for key, word in (("least", goal.least), ("most", goal.most)) if word is not None]
        if len(given) != 1:
            yield problem_at(scenario, path, "needs `least` or `most`, and only one")
        for key, word in given:
            options = _LEAST if key == "least" else _MOST
            if word not in options:
                what = f"'{word}' cannot be made {key}"
                yield problem_at(scenario, (*path, key), what, nearest(word, options, "one of"))
        for at, named in each(goal.of, (*path, "of")):
            collection, dot, name = named.partition(".")
            if not dot or collection not in ("needs", "work", "stocks", "budgets"):
                hint = "needs.NAME, work.NAME, stocks.NAME or budgets.NAME"
                yield problem_at(scenario, at, f"'{named}' is nothing that a goal can be of", hint)
            else:
                yield from _absent(scenario, [(at, name)], collection)
    parts = ("stocks", "flows", "choices", "work", "needs", "resources", "budgets")
    for i, headline in enumerate(scenario.headlines):
        words = {str(s.duty) for s in scenario.stocks.values()} | {str(s.job) for s in scenario.stocks.values()}
        yield from _absent(scenario, each(headline.of, ("headlines", i, "of")), *parts, others=words)


def check_told_apart(scenario: Scenario) -> Iterator[Problem]:
    """Is every name a word, and is no name used twice where the network needs one meaning?"""
    for collection in COLLECTIONS:
        for name in getattr(scenario, collection):
            fits = _WORD if collection == "quantities" else _NAME
            if not fits.fullmatch(name):
                hint = "letters, digits and _ only, and no digit first"
                yield problem_at(scenario, (collection, name), f"'{name}' cannot be a name", hint)
    first: dict[str, str] = {}
    for collection in ("stocks", "work", "choices", "flows"):
        for name in getattr(scenario, collection):
            if name in first:
                what = f"there is a {_one(first[name])} '{name}' too"
                yield problem_at(scenario, (collection, name), what, "give one of them another name")
            first.setdefault(name, collection)
    for name, choice in scenario.choices.items():
        stages = [stage.name for stage in choice.stages]
        for i, stage in enumerate(stages):
            if stage in stages[:i]:
                yield problem_at(scenario, ("choices", name, "stages", i), f"the stage '{stage}' stands here twice")
    ids = [site.id for site in scenario.sites]
    for i, site in enumerate(ids):
        if not site.strip() or site in ("sites", "nation"):
            yield problem_at(scenario, ("sites", i), f"'{site}' cannot be the id of a site")
        elif site in ids[:i]:
            yield problem_at(scenario, ("sites", i), f"the site '{site}' stands here twice")


CHECKS = (
    check_told_apart,
    check_flows,
    check_choices,
    check_work,
    check_limits,
    check_events,
    check_dials,
    check_policies,
    check_settings,
    check_goals,
)
