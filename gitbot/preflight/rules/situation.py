"""What a rule is: a function that looks at the whole situation and says what a person should see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from inspect import cleandoc

from gitbot.model.plan import Access, Plan, PlanId, PlanSet, Source
from gitbot.model.preflight import Edge, Finding, History, Level, Location
from gitbot.preflight.overlap import Contact, Kind, Meeting
from gitbot.preflight.references import Precedence
from gitbot.preflight.stakes import Stake

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the repository and the configuration add to the plans."""

    files: tuple[str, ...] | None = None  # tracked paths; None: not known (outside git)
    shared: tuple[str, ...] = ()
    additive: tuple[str, ...] = ()
    gate: bool = True  # whether a gate command is configured
    rules: Mapping[str, str] = field(default_factory=dict)  # rule -> "off", "note", "warning" or "error"
    branch_patterns: tuple[str, ...] = ("agent-{id}", "agent/{id}")
    read: Callable[[str], bytes | None] = lambda path: None  # a tracked file's content
    links: Mapping[str, str] = field(default_factory=dict)  # symbolic link -> the tracked path that it means
    history: History = field(default_factory=History)
    beside: tuple[str, ...] = ()  # files in the folders of the plans that are no plans themselves
    attended: bool | None = None  # whether somebody watches the agents; None: nobody said
    assumptions: Mapping[str, float] = field(default_factory=dict)  # of the estimate, where the user set them


@dataclass(frozen=True, slots=True)
class Situation:
    """What the rules look at. Plans are in the order of their ids."""

    given: PlanSet
    around: Surroundings
    plans: tuple[Plan, ...]
    renamed: tuple[tuple[Plan, Plan], ...]  # a plan whose id was taken, and the one that has it
    stakes: Mapping[PlanId, tuple[Stake, ...]]
    contacts: tuple[Contact, ...]
    edges: tuple[Edge, ...]
    loops: tuple[tuple[PlanId, ...], ...]  # plans that wait for each other
    unresolved: tuple[Finding, ...]  # needs that mean nothing, or the plan itself
    precedence: Precedence  # what needs and phases say, creations left out


_Find = Callable[[Situation], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `level` is that of its full-strength findings; weaker evidence may give a quieter one."""

    level: Level
    summary: str
    explanation: str
    find: _Find


RULES: dict[str, Rule] = {}
"""All rules by their stable names, in the order in which findings of one level are shown."""


def findings(situation: Situation) -> tuple[Finding, ...]:
    """What all rules find, the loudest first, as the configuration wants it: silenced, or at another level.

    A configured level replaces that of a rule's full-strength findings; a quieter one never gets louder.
    """
    loudest, found = list(Level), []
    for finding in (finding for each in RULES.values() for finding in each.find(situation)):
        wanted, by = situation.around.rules.get(finding.rule, finding.level), RULES.get(finding.rule)
        if wanted != "off":
            full = by is None or finding.level is by.level
            level = Level(wanted) if full else max(finding.level, Level(wanted), key=loudest.index)
            found.append(replace(finding, level=level))
    return tuple(sorted(found, key=lambda finding: loudest.index(finding.level)))


def rule(level: Level) -> Callable[[_Find], _Find]:
    """Register a function as a rule whose full-strength findings have this level."""

    def register(find: _Find) -> _Find:
        summary, _, explanation = cleandoc(find.__doc__ or "").partition("\n\n")
        RULES[find.__name__.replace("_", "-")] = Rule(level, summary.rstrip("."), explanation, find)
        return find

    return register


def is_unknown(plan: Plan) -> bool:
    """Whether nothing can be said about the files that a plan writes."""
    return not any(
        not claim.pattern.startswith("!") and (claim.access is not Access.READ or claim.source is Source.DECLARED)
        for claim in plan.claims
    )


def of_kind(situation: Situation, kind: Kind) -> Iterator[Meeting]:
    """The meetings of one kind."""
    return (meeting for contact in situation.contacts for meeting in contact.meetings if meeting.kind is kind)


def about(
    rule: str,
    level: Level,
    message: str,
    stakes: Sequence[Stake],
    paths: tuple[str, ...],
    hint: str | None = None,
    *more: Location,
) -> Finding:
    """A finding about some stakes, naming their plans and places."""
    plans = tuple(dict.fromkeys(stake.plan for stake in stakes))
    places = tuple(dict.fromkeys([*(stake.place for stake in stakes), *more]))
    return Finding(rule, level, message, plans, paths, places, hint)


def listed(names: Iterable[str]) -> str:
    """Some names in words: "A, B and C"; the rest of many as a number."""
    every = list(names)
    if len(every) > _MOST_NAMED:
        every = [*every[: _MOST_NAMED - 1], f"{len(every) - _MOST_NAMED + 1} more"]
    return " and ".join(filter(None, (", ".join(every[:-1]), *every[-1:])))
