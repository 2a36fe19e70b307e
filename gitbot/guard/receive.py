"""One push as the server sees it: before a reference moves, and while what came lies in quarantine.

The rule is that of `gitbot.guard.push`. Lines are judged as they come, and of many thousands only those that were
refused are held. Nothing of the server's is written, but for the plans kept as read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from gitbot.errors import InputError
from gitbot.guard.enforcement import Enforcement
from gitbot.guard.push import Update, Verdict, judge_push
from gitbot.model.git import Oid, RefName
from gitbot.planset import in_force_plans
from gitbot.repository import refs

_OID = "[0-9a-f]{40}(?:[0-9a-f]{24})?"  # also of a repository that cannot be worked on, which is said elsewhere
_LINE = re.compile(rf"{_OID} ({_OID}) ([^\0\n]+)")


def read_received(lines: Iterable[bytes]) -> Iterator[Update]:
    """The lines of githooks(5), "pre-receive", one by one.

    Raises:
        InputError: a line of another form.
    """
    for line in lines:
        match = _LINE.fullmatch(line.decode("utf-8", "surrogateescape").removesuffix("\n"))
        if match is None:
            hint = "expected on standard input: <old oid> <new oid> <ref>"
            raise InputError(f"no line of a push: {line[:200]!r}", hint=hint)
        yield Update(match[2], Oid(match[1]), match[2])


def judge_received(force: Enforcement, updates: Iterable[Update]) -> Iterator[Verdict]:
    """Hold every branch that came against the claims of its plans, as they stand before the push.

    What the same push brings to the target does not count for a branch: whether the target will move is not known,
    another hook or the repository's settings may refuse that afterwards. Where it would have counted, it is said.
    """
    refused: list[Update] = []
    moved: list[Oid] = []
    for update in updates:
        moved += [update.oid] if update.branch == force.target else []
        verdicts = list(judge_push(force, [update]))
        if any(verdict.judgement.refused for verdict in verdicts):
            refused.append(update)
        else:
            yield from verdicts
    proposed = replace(force, tips=(*force.tips, *moved))
    if refused and moved:
        plans = in_force_plans(force.repository, RefName(refs.HEADS + force.target), force.config, at=moved[-1])
        proposed = replace(proposed, plans=plans)
    for update in refused:
        passes = moved and not any(verdict.judgement.refused for verdict in judge_push(proposed, [update]))
        why = "what comes from there is not the branch's, and its plans count then"
        hint = f"push {force.target} by itself first, then {update.branch}: {why}"
        for verdict in judge_push(force, [update]):
            yield replace(verdict, notes=(*verdict.notes, hint)) if passes else verdict
