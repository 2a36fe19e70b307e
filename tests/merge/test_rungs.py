"""Which conflicts accept-both settles, how, and which it leaves to a person."""

from __future__ import annotations

import dataclasses

import pytest

from gitbot.merge.hunks import Conflicts, marker_size_for, read_conflicts
from gitbot.merge.invariants import find_breach
from gitbot.merge.rungs import ConflictedFile, Manner, Refused, Settled, settle
from tests.merge.conflicted import conflicted

TOY = b"def fn1():\n    return 1\n"
FN8 = b"\n\ndef fn8():\n    return 8\n"
FN9 = b"\n\ndef fn9():\n    return 9\n"


def conflict(
    base: bytes | None, ours: bytes, theirs: bytes, *, path: str = "notes", additive: bool = False
) -> ConflictedFile:
    file = conflicted(base, ours, theirs, path=path, additive=additive)
    assert file is not None, "git merges this cleanly"
    return file


def texts(answer: tuple[Settled, ...] | Refused) -> list[tuple[bytes, str]]:
    assert not isinstance(answer, Refused), answer.why
    return [(settled.data, settled.how) for settled in answer]


def why(answer: tuple[Settled, ...] | Refused) -> str:
    assert isinstance(answer, Refused)
    return answer.why


@pytest.mark.parametrize("manner", Manner)
def test_two_functions_appended_at_one_place_both_survive_with_the_blank_lines_of_each(manner: Manner) -> None:
    file = conflict(TOY, TOY + FN8, TOY + FN9, path="toy.py")
    assert texts(settle(file, manner)) == [
        (TOY + FN8 + FN9, "insert-both"),
        (TOY + FN9 + FN8, "insert-both-swapped"),
    ]


def test_lines_counts_what_the_rungs_wrote() -> None:
    answer = settle(conflict(TOY, TOY + FN8, TOY + FN9, path="toy.py"), Manner.CAREFUL)
    assert not isinstance(answer, Refused)
    assert [settled.lines for settled in answer] == [8, 8]


def test_functions_between_others_keep_their_own_decorators() -> None:
    """git slides both insertions past the decorator that they share with the function below."""
    base = b"import m\n\n\n@m.timed\ndef last():\n    return 0\n"
    eight = b"@m.timed\ndef fn8():\n    return 8\n\n\n"
    nine = b"@m.timed\ndef fn9():\n    return 9\n\n\n"
    at = base.index(b"@m")
    file = conflict(base, base[:at] + eight + base[at:], base[:at] + nine + base[at:], path="toy.py")
    assert texts(settle(file, Manner.CAREFUL))[0] == (base[:at] + eight + nine + base[at:], "insert-both")


def test_methods_added_to_one_class_are_both_kept() -> None:
    base = b"class A:\n    def a(self):\n        return 1\n"
    eight, nine = b"\n    def b(self):\n        return 8\n", b"\n    def c(self):\n        return 9\n"
    answer = settle(conflict(base, base + eight, base + nine, path="a.py"), Manner.CAREFUL)
    assert texts(answer)[0] == (base + eight + nine, "insert-both")


def test_a_method_never_ends_up_inside_the_other_sides_function() -> None:
    """The other order parses as well and nests the method, so only one of the two orders is offered."""
    base = b"class A:\n    def a(self):\n        return 1\n"
    method = b"\n    def b(self):\n        return 8\n"
    answer = settle(conflict(base, base + FN9, base + method, path="a.py"), Manner.CAREFUL)
    assert texts(answer) == [(base + method + FN9, "insert-both-swapped")]


def test_statements_in_code_are_kept_together_only_by_bold() -> None:
    base = b"a = 1\n"
    file = conflict(base, base + b"first(a)\n", base + b"second(a)\n", path="lib/calc.py")
    assert "careful" in why(settle(file, Manner.CAREFUL))
    assert texts(settle(file, Manner.BOLD))[0] == (base + b"first(a)\nsecond(a)\n", "insert-both")


def test_code_without_a_strict_parser_is_left_to_bold() -> None:
    base = b"-- a\n"
    ours, theirs = base + b"\nfunction a()\n  return 1\nend\n", base + b"\nfunction b()\n  return 2\nend\n"
    file = conflict(base, ours, theirs, path="a.lua")
    assert isinstance(settle(file, Manner.CAREFUL), Refused)
    assert texts(settle(file, Manner.BOLD))[0] == (ours + theirs[len(base) :], "insert-both")


@pytest.mark.parametrize(
    ("path", "ours", "theirs"),
    [
        ("docs/CHANGELOG.md", b"- lexer added\n", b"- parser added\n"),
        ("src/calc.py", b"from .lexer import lex\n", b"from .parser import parse\n"),
        ("src/view.ts", b"import { a } from './alpha';\n", b"import { b } from './beta';\n"),
        ("app/urls.py", b"add('lexer')\n", b"add('parser')\n"),
    ],
)
def test_changelogs_import_lists_and_wiring_take_both_insertions(path: str, ours: bytes, theirs: bytes) -> None:
    base = b"# top\n"
    answer = settle(conflict(base, base + ours, base + theirs, path=path), Manner.CAREFUL)
    assert texts(answer) == [
        (base + ours + theirs, "insert-both"),
        (base + theirs + ours, "insert-both-swapped"),
    ]


def test_prose_is_left_to_bold() -> None:
    base = b"# Title\n"
    file = conflict(base, base + b"One thing.\n", base + b"Another.\n", path="docs/guide.md")
    assert isinstance(settle(file, Manner.CAREFUL), Refused)
    assert not isinstance(settle(file, Manner.BOLD), Refused)


def test_a_declared_path_takes_both_insertions_under_its_own_name() -> None:
    file = conflict(b"top\n", b"top\nlexer\n", b"top\nparser\n", path="words.lst", additive=True)
    assert texts(settle(file, Manner.CAREFUL)) == [
        (b"top\nlexer\nparser\n", "shared-union"),
        (b"top\nparser\nlexer\n", "shared-union"),
    ]


def test_neighbouring_lines_changed_by_one_side_each_are_merged() -> None:
    file = conflict(b"a\nb\nc\nd\n", b"a\nB\nc\nd\n", b"a\nb\nC\nd\n")
    assert texts(settle(file, Manner.CAREFUL)) == [(b"a\nB\nC\nd\n", "line-disjoint")]


def test_an_edit_that_both_sides_made_is_made_once() -> None:
    base = b"a\nb\nc\nd\n"
    file = conflict(base, b"A\nb\nc\nd\nend\n", b"a\nB\nc\nd\nend\n")
    assert texts(settle(file, Manner.CAREFUL)) == [(b"A\nB\nc\nd\nend\n", "line-disjoint")]


@pytest.mark.parametrize("manner", Manner)
def test_a_line_changed_by_both_is_refused_with_its_number_in_the_target(manner: Manner) -> None:
    file = conflict(b"a\nb\nc\n", b"new\na\nx\nc\n", b"a\ny\nc\n")
    assert why(settle(file, manner)) == "both sides changed line 3"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (b"a\nc\n", b"a\nB\nc\n", "both sides changed line 2"),
        (b"A\nb\nc\n", b"b\nc\n", "both sides changed line 1"),
        (b"a\nnew\nb\nc\n", b"a\nB\nc\n", "the target inserted before line 3, which the branch changed"),
        (b"a\nB\nc\n", b"a\nnew\nb\nc\n", "the branch inserted before line 2, which the target changed"),
        (b"a\nb\nnew\nc\n", b"a\nB\nc\n", "the target inserted after line 2, which the branch changed"),
        (b"A\nB\nB2\nc\n", b"a\nb\nnew\nc\n", "the branch inserted after line 3, which the target changed"),
    ],
)
@pytest.mark.parametrize("manner", Manner)
def test_insertions_beside_changes_and_deleted_changes_are_refused(
    ours: bytes, theirs: bytes, reason: str, manner: Manner
) -> None:
    """Who did what is said, in lines of the target's file."""
    assert why(settle(conflict(b"a\nb\nc\n", ours, theirs), manner)) == reason


def test_rungs_mix_within_a_file() -> None:
    base = b"import os\nx = 1\ny = 2\n\n\n" + TOY
    ours, theirs = base.replace(b"x = 1", b"x = 10") + FN8, base.replace(b"y = 2", b"y = 20") + FN9
    answer = settle(conflict(base, ours, theirs, path="toy.py"), Manner.CAREFUL)
    assert [how for _, how in texts(answer)] == ["line-disjoint+insert-both", "line-disjoint+insert-both-swapped"]


def test_one_hunk_without_a_rung_refuses_the_file() -> None:
    base = b"x = 1\n\n\n" + TOY
    file = conflict(
        base, base.replace(b"1\n\n", b"2\n\n") + FN8, base.replace(b"1\n\n", b"3\n\n") + FN9, path="toy.py"
    )
    assert why(settle(file, Manner.BOLD)) == "both sides changed line 1"


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs"),
    [
        ("Cargo.toml", b"a = 1\nb = 2\n", b"a = 10\nb = 2\n", b"a = 1\nb = 20\n"),
        ("src/about.txt", b'version = "1"\nb\n', b'version = "2"\nb\n', b'version = "1"\nB\n'),
    ],
)
def test_careful_leaves_manifests_and_version_lines_alone(path: str, base: bytes, ours: bytes, theirs: bytes) -> None:
    file = conflict(base, ours, theirs, path=path)
    assert "careful leaves" in why(settle(file, Manner.CAREFUL))
    assert [how for _, how in texts(settle(file, Manner.BOLD))] == ["line-disjoint"]


@pytest.mark.parametrize(
    ("path", "top"),
    [
        ("package-lock.json", b"a\n"),
        ("uv.lock", b"a\n"),
        ("data.bin", b"\0\n"),
        ("big.psd", b"version https://git-lfs.github.com/spec/v1\n"),
        ("huge.txt", b"a\n" * 500_001),
    ],
)
@pytest.mark.parametrize("manner", Manner)
def test_lock_files_binaries_pointers_and_huge_files_are_never_touched(path: str, top: bytes, manner: Manner) -> None:
    marked = top + b"<<<<<<<\na\n|||||||\n=======\nb\n>>>>>>>\n"
    file = ConflictedFile(path, top, top + b"a\n", top + b"b\n", marked, 7, additive=True)
    assert isinstance(settle(file, manner), Refused)


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (b"same words\none\n", b"two\nsame words\n", "both sides wrote the line same words"),
        (b"## Added\none\n", b"## Added\ntwo\n", "both sides wrote the line ## Added"),
        (b"def load(a):\n", b"def load(b):\n", "both sides define load"),
        (b"call(\n", b"other\n", "an insertion opens a bracket that it does not close, or the reverse"),
    ],
)
def test_the_guard_sees_two_versions_of_one_thing(ours: bytes, theirs: bytes, reason: str) -> None:
    answer = settle(conflict(b"top\n", b"top\n" + ours, b"top\n" + theirs, additive=True), Manner.BOLD)
    assert why(answer) == reason


def test_both_adding_the_file_is_left_to_bold_unless_declared() -> None:
    ours, theirs = b"import alpha\n", b"import beta\n"
    file = conflict(None, ours, theirs, path="new.py")
    assert isinstance(settle(file, Manner.CAREFUL), Refused)
    assert texts(settle(file, Manner.BOLD))[0] == (ours + theirs, "insert-both")
    declared = dataclasses.replace(file, additive=True)
    assert texts(settle(declared, Manner.CAREFUL))[0] == (ours + theirs, "shared-union")


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs", "result"),
    [
        ("a.py", "import a\nimport d\n|\nrun()\n", "import f\n", "import e\n", "import e\nimport f\n"),
        ("AUTHORS", "Ada\nBea\n|", "Dan\nFay\n", "Cai\nEva\n", "Cai\nDan\nEva\nFay\n"),
        ("AUTHORS", "Bea\nAda\n|", "Dan\nFay\n", "Cai\nEva\n", "Dan\nFay\nCai\nEva\n"),
        ("NEWS.md", "- old\n\n|[1]: u://1\n", "- two\n\n[2]: u://2\n", "- three\n\n[3]: u://3\n", ""),
    ],
)
def test_sorted_lines_stay_sorted_and_link_targets_stay_together(
    path: str, base: str, ours: str, theirs: str, result: str
) -> None:
    result = result or "- two\n\n- three\n\n[2]: u://2\n[3]: u://3\n"
    old, one, two, expected = (base.replace("|", text).encode() for text in ("", ours, theirs, result))
    assert texts(settle(conflict(old, one, two, path=path), Manner.CAREFUL))[0][0] == expected


def test_a_changelog_that_both_added_is_left_to_bold() -> None:
    file = conflict(None, b"- lexer\n", b"- parser\n", path="CHANGELOG.md")
    assert isinstance(settle(file, Manner.CAREFUL), Refused)
    assert texts(settle(file, Manner.BOLD))[0] == (b"- lexer\n- parser\n", "insert-both")


def test_a_sorted_list_without_a_last_line_end_is_not_joined_in_its_middle() -> None:
    file = conflict(b"a\nb\n", b"a\nb\nd\n", b"a\nb\nc", path="AUTHORS")
    assert texts(settle(file, Manner.CAREFUL))[0][0] == b"a\nb\nd\nc"


def test_a_last_line_without_line_end_is_never_joined_with_another() -> None:
    """Only the order that leaves it last is offered."""
    file = conflict(b"a\n", b"a\nfirst", b"a\nsecond\n", additive=True)
    assert texts(settle(file, Manner.CAREFUL)) == [(b"a\nsecond\nfirst", "shared-union")]


def test_a_result_that_no_longer_parses_is_refused() -> None:
    base = b'{\n"a": 1\n}\n'
    ours, theirs = b'{\n"b": 2,\n"a": 1\n}\n', b'{\n"b": 3,\n"a": 1\n}\n'
    answer = settle(conflict(base, ours, theirs, path="plugin.json"), Manner.BOLD)
    assert why(answer) == "the result does not parse, or doubles a key"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (b"a\r\nB\r\nc\r\n", b"a\nb\nC\n", "line"),
        ("ä\nb\nÄ\n".encode(), "ä\nB\nö\n".encode("latin-1"), ""),
    ],
)
def test_converted_files_are_refused(ours: bytes, theirs: bytes, reason: str) -> None:
    assert reason in why(settle(conflict(b"a\nb\nc\n", ours, theirs), Manner.BOLD))


def test_windows_line_ends_stay() -> None:
    file = conflict(b"a\r\nb\r\n", b"A\r\nb\r\n", b"a\r\nB\r\n")
    assert texts(settle(file, Manner.CAREFUL)) == [(b"A\r\nB\r\n", "line-disjoint")]


def test_headings_that_look_like_markers_are_text() -> None:
    base = b"Title\n=======\n\n"
    file = conflict(base, base + b"One\n=======\n", base + b"Two\n-------\n", path="CHANGES.rst")
    assert texts(settle(file, Manner.CAREFUL))[0][0] == base + b"One\n=======\nTwo\n-------\n"


def test_more_conflicts_than_fifty_are_refused() -> None:
    base = b"".join(b"%d\nkeep %d\n" % (i, i) for i in range(51))
    ours, theirs = (base.replace(b"\nkeep", end + b"\nkeep") for end in (b" a", b" b"))
    assert why(settle(conflict(base, ours, theirs), Manner.BOLD)).startswith("51 conflicts")


@pytest.mark.parametrize("marked", [b"", b"<<<<<<<\n", b">>>>>>>\n", b"<<<<<<<\na\n=======\nb\n>>>>>>>\n", b"\xff"])
def test_marked_text_that_is_none_is_refused(marked: bytes) -> None:
    file = ConflictedFile("notes", b"", b"a\n", b"b\n", marked, 7, additive=True)
    assert isinstance(settle(file, Manner.BOLD), Refused)


def test_the_marker_size_is_longer_than_any_run_in_the_texts() -> None:
    assert marker_size_for(b"a\n", b"<<<<<<<\n") == 31
    assert marker_size_for(b"=" * 40, b"|" * 50 + b"=" * 20) == 51


BASE, OURS, THEIRS = b"a\nb\nc\nd\n", b"a\nb\nd\n", b"a\nb\nC\nd\nx\n"


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (b"a\nb\nC\nd\nx\n", None),
        (b"a\nb\nc\nC\nd\nx\n", "a line would be doubled, brought back or made up: c"),
        (b"a\nb\nd\nx\n", "a line would be lost: C"),
        (b"a\nb\nC\nC\nd\nx\n", "a line would be doubled, brought back or made up: C"),
        (b"a\nb\nC\nd\nx\nmore\n", "a line would be doubled, brought back or made up: more"),
        (b"b\na\nC\nd\nx\n", "text outside the conflicts would change"),
    ],
)
def test_the_invariants_name_what_a_result_does_wrong(result: bytes, reason: str | None) -> None:
    file = conflict(BASE, OURS, THEIRS)
    conflicts = read_conflicts(file)
    assert isinstance(conflicts, Conflicts)
    assert find_breach(file, conflicts, result) == reason
