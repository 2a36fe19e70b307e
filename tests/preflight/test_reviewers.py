"""CODEOWNERS gives notes about who must review, and nothing else."""

from __future__ import annotations

from gitbot.model.preflight import Check, Level, Severity
from gitbot.plans import Source, read_plans
from gitbot.preflight import Surroundings, check

TEXT = b"# Agent A\n- [ ] src/auth/a.py\n# Agent B\n- [ ] src/auth/b.py\n- [ ] free.py\n"


def checked(owners: bytes | None) -> Check:
    found = read_plans([Source("plans/team.md", TEXT)])
    return check(found, Surroundings(read=lambda path: owners if path == ".github/CODEOWNERS" else None))


def test_who_must_review_is_a_note_with_both_places() -> None:
    answer = checked(b"src/auth/ @auth\n")
    (note,) = [finding for finding in answer.findings if finding.rule == "reviewers"]
    assert (note.level, note.plans, note.paths) == (Level.NOTE, ("A", "B"), ("src/auth/a.py", "src/auth/b.py"))
    places = [(place.path, place.line) for place in note.locations]
    assert places == [(".github/CODEOWNERS", 1), ("plans/team.md", 2), ("plans/team.md", 4)]


def test_common_reviewers_are_no_overlap() -> None:
    assert [overlap for overlap in checked(b"* @all\n").overlaps if overlap.severity is not Severity.NOTES] == []


def test_without_the_file_nothing_is_said() -> None:
    assert not [finding for finding in checked(None).findings if finding.rule == "reviewers"]
