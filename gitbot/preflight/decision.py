"""The four questions to ask before working in parallel at all, answered for one plan set with the evidence.

In the order in which a "no" ends the discussion. Who decides is a person: these are answers, no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gitbot.fileclasses import FileClass, advice, file_class
from gitbot.model.preflight import Finding, Question, Severity
from gitbot.patterns import compile_patterns
from gitbot.preflight.overlap import Kind
from gitbot.preflight.rules import Situation, is_unknown
from gitbot.preflight.rules.practice import SUBSTANTIAL
from gitbot.preflight.rules.situation import listed

_COUPLED = frozenset({"imports", "co-change", "layer-order", "coupling-without-event", "sequence-folder"})
_EASY = frozenset({FileClass.WIRING, FileClass.DOCS, FileClass.STRINGS, FileClass.LOCK, FileClass.GENERATED})
_MOST_EVIDENCE = 4


def questions(situation: Situation, findings: Iterable[Finding]) -> tuple[Question, ...]:
    """The four answers; `findings` are those of the rules, for what couples plans beside their files."""
    unseen = [plan.id for plan in situation.plans if is_unknown(plan)]
    unknown = [f"no path found in {listed(unseen)}"] if unseen else []
    return (
        _independent(situation, findings, unknown),
        _easy(situation, unknown),
        _substantial(situation),
        _attended(situation.around.attended),
    )


def _answered(question: str, against: Sequence[str], unknown: Sequence[str], reasons: Sequence[str]) -> Question:
    """The answer by the first that there is: evidence against, what is not known, else what speaks for a yes."""
    answer, evidence = next(
        (answer, said) for answer, said in (("no", against), ("unknown", unknown), ("yes", reasons)) if said
    )
    more = len(evidence) - _MOST_EVIDENCE
    return Question(question, answer, (*evidence[:_MOST_EVIDENCE], *([f"and {more} more"] if more > 0 else ())))


def _independent(situation: Situation, findings: Iterable[Finding], unknown: Sequence[str]) -> Question:
    if len(situation.plans) < 2:
        unknown = ["there is nothing to compare one plan with"]
    blocking = (contact for contact in situation.contacts if contact.severity is Severity.BLOCKS)
    against = [
        *(f"{' and '.join(each.plans)}: {each.meetings[0].words}: {each.meetings[0].said}" for each in blocking),
        *(dict.fromkeys(f"{edge.after} comes after {edge.before}: {edge.reason}" for edge in situation.edges)),
        *(finding.message for finding in findings if finding.rule in _COUPLED and len(situation.plans) > 1),
    ]
    evidence = f"no two of the {len(situation.plans)} plans write a common path, and none waits for another"
    return _answered("Is the work truly independent?", against, unknown, [evidence])


def _easy(situation: Situation, unknown: Sequence[str]) -> Question:
    additive = compile_patterns(situation.around.additive)
    told: dict[bool, list[str]] = {True: [], False: []}
    for contact in situation.contacts:
        shared = {meeting.path for meeting in contact.meetings if meeting.kind is Kind.SHARED}
        blocks = contact.severity is Severity.BLOCKS
        for path in sorted({meeting.path for meeting in contact.meetings if blocks or meeting.kind is Kind.SHARED}):
            kind = file_class(path)
            easy = path in shared or kind in _EASY or additive.matches(path)
            words = advice(kind) if kind else "additions of both can be kept" if easy else "code: a person decides"
            merges = situation.around.history.contested.get(path)
            past = f"; both sides of {merges} past merges changed it" if merges else ""
            told[easy].append(f"{path} ({' and '.join(contact.plans)}): {words}{past}")
    unknown = [*unknown, *told[True]] if unknown else []
    reasons = told[True] or ["no conflict is expected"]
    return _answered("Will conflicts be easy to resolve?", told[False], unknown, reasons)


def _substantial(situation: Situation) -> Question:
    works = {plan: work for plan, work in situation.works.items() if work.steps}
    known = {plan: work.minutes() for plan, work in works.items() if not work.guessed}
    small = [f"{plan}: {minutes:.0f} minutes" for plan, minutes in known.items() if minutes < SUBSTANTIAL]
    unsaid = listed(plan for plan in works if plan not in known)
    unknown = [f"no estimate in {unsaid}: write `estimate: 2h`, or `~45m` in each task"] if unsaid else []
    reasons = [f"the least is {min(known.values()):.0f} minutes"] if known else []
    unknown = unknown if works else ["no open task"]
    return _answered(f"Is each task substantial ({SUBSTANTIAL}+ min)?", small, unknown, reasons)


def _attended(attended: bool | None) -> Question:
    said = [f"gitbot.toml: attended = {str(attended).lower()}"]
    ask = ["say `attended = true` or `attended = false` in gitbot.toml"] if attended is None else []
    return _answered("Do you have time to monitor and merge?", said if attended is False else [], ask, said)
