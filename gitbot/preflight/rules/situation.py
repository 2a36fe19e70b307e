"""What a rule is: a function that looks at the whole situation and says what a person should see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gitbot.model.plan import Access, Plan, PlanId, PlanSet, Source
from gitbot.model.preflight import Edge, Finding, History, Level, Location
from gitbot.preflight.estimate import Work
from gitbot.preflight.overlap import Contact, Crowd, Kind, Meeting
from gitbot.preflight.references import Precedence
from gitbot.preflight.stakes import Stake
from gitbot.preflight.vocabulary import said_of

_MOST_NAMED = 8
_OPINIONS = frozenset(
    ("tiny-task", "too-many-agents", "missing-context", "missing-acceptance", "no-failure-handling", "co-change")
) | {"imports"}
"""Rules that are never louder than a warning, whatever the configuration says."""


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
    widened: Mapping[PlanId, tuple[str, ...]] = field(default_factory=dict)  # beyond the target's version
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
    crowd: Crowd
    edges: tuple[Edge, ...]
    loops: tuple[tuple[PlanId, ...], ...]  # plans that wait for each other
    unresolved: tuple[Finding, ...]  # needs that mean nothing, or the plan itself
    precedence: Precedence  # what needs and phases say, creations left out
    phases: tuple[tuple[PlanId, ...], ...]
    works: Mapping[PlanId, Work]


class Told(NamedTuple):
    """What a rule says: a finding but for the rule's name, and for level and hint where they are the rule's own."""

    message: str
    plans: tuple[PlanId, ...] = ()
    paths: tuple[str, ...] = ()
    places: tuple[Location, ...] = ()
    hint: str | None = None
    level: Level | None = None


_Find = Callable[[Situation], Iterable[Told | Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `level` is that of its full-strength findings; weaker evidence may give a quieter one."""

    level: Level
    summary: str
    find: _Find

    @property
    def explanation(self) -> str:
        """What `--explain` says behind the summary."""
        return said_of(self.find.__name__.replace("_", "-"))["explanation"]


RULES: dict[str, Rule] = {}
"""All rules by their stable names, in the order in which findings of one level are shown."""


def findings(situation: Situation) -> tuple[Finding, ...]:
    """What all rules find, the loudest first, as the configuration wants it: silenced, or at another level.

    A configured level replaces that of a rule's full-strength findings; a quieter one never gets louder.
    """
    loudest, found = list(Level), []
    told = ((name, each, told) for name, each in RULES.items() for told in each.find(situation))
    for finding in (_finding(*each) for each in told):
        wanted, by = situation.around.rules.get(finding.rule, finding.level), RULES.get(finding.rule)
        if wanted != "off":
            full = by is None or finding.level is by.level
            level = Level(wanted) if full else max(finding.level, Level(wanted), key=loudest.index)
            level = Level.WARNING if level is Level.ERROR and finding.rule in _OPINIONS else level
            found.append(finding if level is finding.level else replace(finding, level=level))
    return tuple(sorted(found, key=lambda finding: loudest.index(finding.level)))


def _finding(name: str, by: Rule, told: Told | Finding) -> Finding:
    if isinstance(told, Finding):
        return told
    message, plans, paths, places, hint, level = told
    return Finding(name, level or by.level, message, plans, paths, places, hint or said_of(name).get("hint"))


def rule(level: Level) -> Callable[[_Find], _Find]:
    """Register a function as a rule whose full-strength findings have this level."""

    def register(find: _Find) -> _Find:
        RULES[find.__name__.replace("_", "-")] = Rule(level, (find.__doc__ or "").rstrip("."), find)
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
    message: str,
    stakes: Sequence[Stake],
    paths: Iterable[str],
    hint: str | None = None,
    *more: Location,
    level: Level | None = None,
) -> Told:
    """What there is to say about some stakes, naming their plans and places."""
    plans = tuple(dict.fromkeys(stake.plan for stake in stakes))
    places = tuple(dict.fromkeys([*(stake.place for stake in stakes), *more]))
    return Told(message, plans, tuple(dict.fromkeys(paths)), places, hint, level)


class Remark(NamedTuple):
    """What a finding says of some plans, where it has the same to say of others."""

    plans: tuple[PlanId, ...]
    words: str
    place: Location


def named(plans: Iterable[Plan]) -> list[Remark]:
    """Plans as remarks that are their names."""
    return [Remark((plan.id,), plan.id, Location(plan.path, plan.line)) for plan in plans]


def together(
    message: str, remarks: Sequence[Remark], hint: str | None = None, level: Level | None = None
) -> Iterator[Told]:
    """All remarks at once, their words in the place of {} in the message; nothing without remarks."""
    if remarks:
        text = message.replace("{}", listed(dict.fromkeys(remark.words for remark in remarks)), 1)
        plans = tuple(dict.fromkeys(plan for remark in remarks for plan in remark.plans))
        places = tuple(dict.fromkeys(remark.place for remark in remarks))
        yield Told(text, plans, (), places[:_MOST_NAMED], hint, level)


def listed(names: Iterable[str]) -> str:
    """Some names in words: "A, B and C"; the rest of many as a number."""
    every = list(names)
    if len(every) > _MOST_NAMED:
        every = [*every[: _MOST_NAMED - 1], f"{len(every) - _MOST_NAMED + 1} more"]
    return " and ".join(filter(None, (", ".join(every[:-1]), *every[-1:])))
