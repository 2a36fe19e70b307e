"""One branch before main, as a form sees it, without a run around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gitbot.merge.rungs import Manner
from gitbot.merge.situation import Proposal, Situation
from gitbot.merge.strategies import propose
from gitbot.merge.survey import NewWork, survey
from gitbot.model.git import BranchName, Oid, Person
from gitbot.model.merge import Branch, Candidate, Conflict, Nothing, Strategy
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox

GRACE = Person("Grace Hopper", "grace@example.org", 1_800_000_000, 0)


@contextmanager
def standing(
    box: Sandbox,
    branch: str,
    *,
    landed: Mapping[Oid, Oid] | None = None,
    linear: bool = False,
    rebase_merges: bool = False,
    title: str | None = None,
    asked: Strategy | None = None,
) -> Iterator[Situation | Nothing | Conflict]:
    """The situation of a branch before main, or why it has none."""
    onto = box.tip("main")
    one = Branch(BranchName(branch), box.tip(branch), None, title, asked)
    with TemporaryDirectory() as folder, Workbench(box.repository, Path(folder, "scratch"), onto) as bench:
        work = survey(bench, one, onto, landed or {}, None)
        if not isinstance(work, NewWork):
            yield work
            return
        yield Situation(bench, one, onto, work, GRACE, linear, Manner.CAREFUL, lambda _: False, rebase_merges)


def proposed(box: Sandbox, branch: str, *strategies: Strategy, **around: object) -> Proposal:
    """What comes of a branch; the objects of a candidate are kept in the repository."""
    with standing(box, branch, **around) as situation:  # type: ignore[arg-type]
        if not isinstance(situation, Situation):
            return situation
        found = propose(situation, strategies)
        if isinstance(found, tuple):
            situation.bench.promote(found[0].commit)
        return found


def landing(box: Sandbox, branch: str, *strategies: Strategy, **around: object) -> Candidate:
    """The first candidate, main moved to it."""
    found = proposed(box, branch, *strategies, **around)
    assert isinstance(found, tuple), found
    box.git("update-ref", "refs/heads/main", found[0].commit)
    return found[0]
