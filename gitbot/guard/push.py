"""One push: what git tells the hook about it, and which of its branches change files that their plans do not own.

Saying and refusing are the command's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from gitbot.errors import GitError, InputError
from gitbot.guard.drift import Judgement
from gitbot.guard.enforcement import Enforcement, checked_out
from gitbot.model.git import ZERO, Oid, RefName
from gitbot.repository import refs

PROBE = "GITBOT_HOOK_PROBE"  # in the environment of a dry run: the file by which the hook says that it was reached
_OID = "[0-9a-f]{40}(?:[0-9a-f]{24})?"  # also of a repository that cannot be worked on, which is said elsewhere
_LINE = re.compile(rf"(.+) ({_OID}) (\S+) {_OID}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Update:
    """One line of what git tells the hook: what is sent, and which reference of the remote it is for."""

    local_ref: str  # as far as git knows one: also HEAD, an oid, any revision
    oid: Oid
    remote_ref: str

    @property
    def branch(self) -> str | None:
        """The remote branch that gets a commit; None for tags, other references and deletions."""
        is_branch = self.remote_ref.startswith(refs.HEADS) and self.oid != ZERO
        return self.remote_ref.removeprefix(refs.HEADS) if is_branch else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one branch of a push, held against the claims of `plans`."""

    branch: str
    plans: str
    notes: tuple[str, ...]  # about the plans themselves
    judgement: Judgement


def read_updates(text: str) -> tuple[Update, ...]:
    """The lines of githooks(5), "pre-push". A local reference may hold spaces: it can be any revision.

    Raises:
        InputError: a line of another form.
    """
    found = []
    for line in filter(str.strip, text.split("\n")):
        match = _LINE.fullmatch(line)
        if match is None:
            hint = "expected on standard input: <local ref> <local oid> <remote ref> <remote oid>"
            raise InputError(f"no line of a push: {line[:200]!r}", hint=hint)
        found.append(Update(match[1], Oid(match[2]), match[3]))
    return tuple(found)


def from_framework(env: Mapping[str, str]) -> tuple[Update, ...]:
    """The one reference of a push that the pre-commit framework tells of, in the environment: it eats the lines."""
    oid, branch = env.get("PRE_COMMIT_TO_REF", ""), env.get("PRE_COMMIT_REMOTE_BRANCH", "")
    if not re.fullmatch(r"[0-9a-f]{40}", oid) or not branch:
        return ()
    return (Update(env.get("PRE_COMMIT_LOCAL_BRANCH") or branch, Oid(oid), branch),)


def judge_push(force: Enforcement, updates: Iterable[Update]) -> Iterator[Verdict]:
    """Hold every branch of a push against the claims of its plans; one refused verdict refuses the push.

    The remote reference says whose plan counts, then the local one (HEAD is what is checked out); where they name
    different plans, only what both allow passes. What is sent from no local branch, such as an object id, is that of
    the branches whose tip it is. A branch without a plan gets no verdict. What is sent but is no commit, or not whole
    here, passes with a note: git sends neither, and the remote would not take it.
    """
    for update in updates:
        if update.branch is None:
            continue
        try:
            yield from _verdicts(force, update, update.branch)
        except GitError as refused:
            note = f"{refused.message}; nobody checked whose files this push changes"
            yield Verdict(update.branch, "", (note,), Judgement())


def held_by_others(force: Enforcement, updates: Iterable[Update], now: float) -> Iterator[Verdict]:
    """Of what the branches of a push change, what somebody else holds just now: that is said, and refuses nothing."""
    if refs.read(force.repository, refs.LEASES) is None:
        return
    from gitbot.journal import leases

    standing = leases.standing(force.repository, now)
    for update in updates:
        with suppress(GitError):  # which `judge_push` speaks of
            paths = [path for change in force.changes(update.oid) for path in change.paths]
            held = leases.held_by_others(standing, update.branch, paths).values()
            yield Verdict(update.branch or "", "", (), Judgement(warned=tuple(each.text for each in held)))


def _verdicts(force: Enforcement, update: Update, branch: str) -> Iterator[Verdict]:
    here = checked_out(force.repository) if update.local_ref == "HEAD" else None
    local = RefName(refs.HEADS + here) if here is not None else update.local_ref
    names = dict.fromkeys((branch, refs.shorthand(local)))
    changes = force.changes(update.oid)
    found = dict.fromkeys(force.mine(name, update.oid, changes) for name in names)
    if branch != force.target and not local.startswith(refs.HEADS) and not any(mine.plans for mine in found):
        known = (ref for ref in refs.branch_names(force.repository) if refs.read(force.repository, ref) == update.oid)
        found = dict.fromkeys(force.mine(refs.shorthand(ref), update.oid, changes) for ref in known)
    for mine in found:
        if mine.plans:
            _, judgement = force.judge(mine.plans, update.oid, changes)
            yield Verdict(branch, " and ".join(plan.id for plan in mine.plans), mine.notes, judgement)
