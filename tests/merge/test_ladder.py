"""The shapes of fixtures/conflicts, and what the ladder tells of each conflict it settles."""

from __future__ import annotations

import tomllib
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from gitbot.merge.ladder import hunk_key
from gitbot.merge.rungs import Answer, ConflictedFile, Manner, Refused, Settled, answers, settle
from tests.merge.conflicted import conflicted

SHAPES: list[dict[str, Any]] = tomllib.loads(Path("fixtures/conflicts/shapes.toml").read_text(encoding="utf-8"))[
    "shape"
]
REGISTRY = b"COMMANDS = {\n    'run': run,\n}\n"


def made(
    base: bytes | None, ours: bytes, theirs: bytes, *, path: str = "notes", additive: bool = False
) -> ConflictedFile:
    file = conflicted(base, ours, theirs, path=path, additive=additive)
    assert file is not None, "git merges this cleanly"
    return file


def settled(answer: tuple[Settled, ...] | Refused) -> tuple[Settled, ...]:
    assert not isinstance(answer, Refused), answer.why
    return answer


@pytest.mark.parametrize("manner", Manner)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["name"])
def test_every_shape_gets_the_rung_or_the_refusal_written_beside_it(shape: dict[str, Any], manner: Manner) -> None:
    base, ours, theirs = (shape[side].encode() if side in shape else None for side in ("base", "ours", "theirs"))
    assert ours is not None
    assert theirs is not None
    answer = settle(made(base, ours, theirs, path=shape["path"], additive=shape.get("additive", False)), manner)
    refusal = shape[manner].partition("refused: ")[2]
    if refusal:
        assert isinstance(answer, Refused), answer
        assert refusal in answer.why
        return
    assert settled(answer)[0].how == shape[manner]
    if manner is Manner.BOLD:
        assert settled(answer)[0].data.decode() == shape["result"]


def test_answers_tell_of_each_conflict_by_itself() -> None:
    """One conflict that nobody can settle does not hide what the other would get."""
    middle = b"a\nb\nc\nd\ne\n"
    base, ours, theirs = b"x = 1\n" + middle, b"x = 2\n" + middle + b"ours\n", b"x = 3\n" + middle + b"theirs\n"
    found = answers(made(base, ours, theirs, path="notes", additive=True), Manner.CAREFUL)
    assert not isinstance(found, Refused)
    first, second = found
    assert (first.how, first.lines, first.refused) == (None, None, "both sides changed line 1")
    assert (second.how, second.lines, second.refused) == ("shared-union", (b"ours\n", b"theirs\n"), None)
    assert second.why == "the file is declared to take what both add"
    assert isinstance(settle(made(base, ours, theirs, path="notes", additive=True), Manner.CAREFUL), Refused)


def test_a_resolution_says_where_why_and_from_which_texts() -> None:
    [hunk] = settled(settle(made(b"top\n", b"top\nours\n", b"top\ntheirs\n", additive=True), Manner.CAREFUL))[0].hunks
    assert (hunk.line, hunk.how, hunk.base, hunk.ours, hunk.theirs) == (2, "shared-union", "", "ours\n", "theirs\n")
    assert hunk.result == "ours\ntheirs\n"
    assert hunk.why == "the file is declared to take what both add"


def test_long_texts_are_cut_off_in_the_report() -> None:
    long = b"word\n" * 2_000
    [hunk] = settled(settle(made(b"top\n", b"top\n" + long, b"top\nb\n", additive=True), Manner.CAREFUL))[0].hunks
    assert len(hunk.ours) < 4_100
    assert hunk.ours.endswith("… 6000 more characters\n")


def test_what_was_decided_before_comes_first_and_may_differ_from_both_sides() -> None:
    file = made(b"limit = 1\n", b"limit = 2\n", b"limit = 3\n")
    [open_one] = _all(answers(file, Manner.CAREFUL))
    known = {hunk_key("notes", open_one.hunk): b"limit = 5\n"}
    answer = settle(file, Manner.CAREFUL, known.get)
    assert [(one.data, one.how) for one in settled(answer)] == [(b"limit = 5\n", "recorded")]


def test_a_decision_is_found_again_from_the_other_side_and_not_for_another_path() -> None:
    there, back = made(b"a = 1\n", b"a = 2\n", b"a = 3\n"), made(b"a = 1\n", b"a = 3\n", b"a = 2\n")
    [one], [other] = _all(answers(there, Manner.BOLD)), _all(answers(back, Manner.BOLD))
    assert hunk_key("notes", one.hunk) == hunk_key("notes", other.hunk) != hunk_key("elsewhere", other.hunk)


def _all(found: tuple[Answer, ...] | Refused) -> tuple[Answer, ...]:
    assert not isinstance(found, Refused)
    return found


@pytest.mark.parametrize(
    ("path", "base", "ours", "theirs"),
    [
        ("a.js", b'sep = " ";\n', b'sep = " "; // separator\n', b'sep = "    ";\n'),
        ("setup.py", b'need = ["click"]\n', b'need = ["click>=8"]\n', b'need = [ "click" ]\n'),
        ("a.yml", b"run: echo 'x y'\n", b"run: echo 'x y' # now\n", b"run: echo 'x    y'\n"),
    ],
)
def test_white_space_is_a_change_too(path: str, base: bytes, ours: bytes, theirs: bytes) -> None:
    """Taking the other side's text because this one changed only white space would lose a branch's whole work."""
    for manner in Manner:
        assert not {ours, theirs} & set(_texts(path, base, ours, theirs, manner))


def _texts(path: str, base: bytes, ours: bytes, theirs: bytes, manner: Manner = Manner.CAREFUL) -> list[bytes]:
    answer = settle(made(base, ours, theirs, path=path), manner)
    return [] if isinstance(answer, Refused) else [one.data for one in answer]


@pytest.mark.parametrize(
    ("path", "ours", "theirs"),
    [
        ("settings.py", b"TIMEOUT = 30\n", b"TIMEOUT = compute_timeout(base, factor)\n"),
        ("pkg/__init__.py", b"from .legacy.runner import run\n", b"from .modern.engine import run\n"),
        ("a.py", b"from json import load\n", b"from yaml.loaders.safe import load\n"),
        ("index.ts", b"export { Widget } from './old';\n", b"export { Widget } from './shiny/new';\n"),
        ("main.go", b'\t"example.org/a/log"\n', b'\t"example.org/second/log"\n'),
        ("models.py", b"created = DateTimeField()\n", b"created = IntegerField(default=0)\n"),
    ],
)
def test_one_name_never_gets_two_meanings(path: str, ours: bytes, theirs: bytes) -> None:
    assert _texts(path, b"# start\n", b"# start\n" + ours, b"# start\n" + theirs, Manner.BOLD) == []


@pytest.mark.parametrize("path", ["src/releases/svc.ts", "releases/deploy.sh"])
def test_code_in_a_folder_of_releases_is_no_changelog(path: str) -> None:
    assert _texts(path, b"run();\n", b"run();\nreturn x + 1;\n", b"run();\naudit(x);\n") == []


LOG = b"# Changes\n\n## Unreleased\n\n- first\n"


def test_an_entry_does_not_slip_into_a_release_that_came_meanwhile() -> None:
    released = LOG + b"\n## 1.1 - 2026-01-01\n\n- shipped\n"
    assert _texts("CHANGELOG.md", LOG, released, LOG + b"- new\n") == [
        LOG + b"- new\n\n## 1.1 - 2026-01-01\n\n- shipped\n"
    ]


def test_two_new_sections_with_underlines_stand_one_above_the_other() -> None:
    old = b"Changes\n=======\n\nVersion 1\n---------\n\n- old\n"
    one, two = (b"Version %d\n---------\n\n- of %d\n\n" % (n, n) for n in (2, 3))
    at = old.index(b"Version 1")
    found = _texts("CHANGES.rst", old, old[:at] + one + old[at:], old[:at] + two + old[at:])
    assert found == [old[:at] + two + one + old[at:]], "the later release comes first"


def test_entries_below_a_heading_that_both_wrote_share_it() -> None:
    one, two = (LOG + b"\n### Added\n\n- %s\n" % who for who in (b"from a", b"from b"))
    assert _texts("CHANGELOG.md", LOG, one, two)[:1] == [LOG + b"\n### Added\n\n- from a\n- from b\n"]


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        (b"flask==1.0.0\n", b"flask==2.0.0\n", b"flask==1.1.0\n"),
        (b"on: 2024-01-01\n", b"on: 2024-02-01\n", b"on: 2024-01-15\n"),
        (b"if a and b\n", b"if not a and b\n", b"if a or b\n"),
        (b"http://a:80/v1\n", b"https://a:80/v1\n", b"http://a:443/v2\n"),
    ],
)
def test_no_number_date_or_condition_is_made_of_two(base: bytes, ours: bytes, theirs: bytes) -> None:
    assert _texts("notes", base, ours, theirs, Manner.BOLD) == []


def test_arguments_that_both_changed_are_merged_where_bold_is_asked_for() -> None:
    [first] = _texts("a.js", b"call(a, b, c)\n", b"call(x, b, c)\n", b"call(a, b, y)\n", Manner.BOLD)
    assert first == b"call(x, b, y)\n"


def test_no_more_than_three_texts_are_offered_and_all_differ() -> None:
    for shape in SHAPES:
        base, ours, theirs = (shape[side].encode() if side in shape else None for side in ("base", "ours", "theirs"))
        answer = settle(made(base, ours or b"", theirs or b"", path=shape["path"]), Manner.BOLD)
        if isinstance(answer, tuple):
            assert len({one.data for one in answer}) == len(answer) <= 3


@pytest.mark.parametrize(
    "shape", [shape for shape in SHAPES if "refused" not in shape["careful"]], ids=itemgetter("name")
)
def test_bold_offers_first_what_careful_would(shape: dict[str, Any]) -> None:
    base, ours, theirs = (shape[side].encode() if side in shape else None for side in ("base", "ours", "theirs"))
    file = made(base, ours or b"", theirs or b"", path=shape["path"], additive=shape.get("additive", False))
    assert settled(settle(file, Manner.BOLD))[0] == settled(settle(file, Manner.CAREFUL))[0]


@pytest.mark.parametrize(("padding", "how"), [(1_000, {"keys"}), (700_000, {None})])
def test_a_large_file_is_not_parsed_for_each_of_its_conflicts(padding: int, how: set[str | None]) -> None:
    """Three conflicts in 700 kB are beyond the two million bytes that may be parsed, three in a kilobyte are not."""
    part = '  "%s": {\n    "a": 1\n  },\n'
    base = "{\n" + "".join(part % name for name in "xyz") + '  "pad": "' + "-" * padding + '"\n}\n'
    ours, theirs = (base.replace('"a": 1', f'"a": 1,\n    "{name}": 2').encode() for name in ("b", "c"))
    found = _all(answers(made(base.encode(), ours, theirs, path="data.json"), Manner.BOLD))
    assert [len(found), {one.how for one in found}] == [3, how]


def test_entries_of_a_registry_are_kept_by_what_they_are_called() -> None:
    ours = REGISTRY.replace(b"}", b"    'lex': lexer,\n}")
    theirs = REGISTRY.replace(b"}", b"    'parse': parser,\n}")
    first = settled(settle(made(REGISTRY, ours, theirs, path="src/commands.py"), Manner.CAREFUL))[0]
    assert first.data == REGISTRY.replace(b"}", b"    'lex': lexer,\n    'parse': parser,\n}")
