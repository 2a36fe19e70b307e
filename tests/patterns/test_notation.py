"""How a pattern as people write it becomes text that the rest of the program can trust."""

from __future__ import annotations

import pytest

from gitbot.errors import PatternError
from gitbot.patterns import NormalPattern, compile_patterns, normalise


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("src/a.ts", "src/a.ts"),
        (" ./src//a.ts ", "src/a.ts"),
        ("/src/./a/", "src/a/"),
        ("src/.", "src/"),
        (r"src\lib\a.ts", "src/lib/a.ts"),
        (r"src/\*\*", "src/**"),
        (r"app/\[id\]/page.tsx", r"app/\[id\]/page.tsx"),
        ("! ./src/gen/", "!src/gen/"),
        ("cafe\u0301.md", "caf\u00e9.md"),
        ("./!important.md", r"\!important.md"),
        ("..rc/...", "..rc/..."),
    ],
)
def test_a_pattern_is_cleaned_up(written: str, text: str) -> None:
    assert normalise(written) == NormalPattern(text)
    assert normalise(text).text == text


@pytest.mark.parametrize(
    ("written", "text", "span"),
    [
        ("src/a.ts:12", "src/a.ts", ":12"),
        ("src/a.ts:12-40", "src/a.ts", ":12-40"),
        ("src/a.ts:12:5", "src/a.ts", ":12:5"),
        ("src/a.ts#L10", "src/a.ts", "#L10"),
        ("src/a.ts#L10-L20", "src/a.ts", "#L10-L20"),
        ("src/a.ts (lines 10-20)", "src/a.ts", "(lines 10-20)"),
        ("src/a.ts (line 7)", "src/a.ts", "(line 7)"),
        ("tests/test_a.py::TestA::test_b", "tests/test_a.py", "::TestA::test_b"),
        ("tests/test_a.py:3::test_b", "tests/test_a.py", ":3::test_b"),
        ("!src/a.ts:12", "!src/a.ts", ":12"),
    ],
)
def test_lines_and_symbols_are_cut_off_and_kept(written: str, text: str, span: str) -> None:
    assert normalise(written) == NormalPattern(text, span)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "  ",
        "!",
        "/",
        "./",
        "../a",
        "src/../../a",
        r"..\a",
        "src/{..,a}/b",
        "~/a.ts",
        "~me/a.ts",
        r"C:\repo\a.ts",
        "c:/repo/a.ts",
        r"\\host\share\a.ts",
        "https://example.org/a.ts",
        "/home/me/repo/a.ts",
        "/Users/me/repo/a.ts",
        "src/a\x1b[31m.ts",
        "src/a\x00",
        "src/a\n.ts",
        "src/\ud800",
        "a" * 1025,
        "a/" * 65,
    ],
)
def test_what_names_no_place_in_the_repository_is_refused(written: str) -> None:
    with pytest.raises(PatternError):
        normalise(written)
    with pytest.raises(PatternError):
        compile_patterns([written])


@pytest.mark.parametrize("written", ["docs/[section/**", "a[", "a[]b"])
def test_an_unclosed_bracket_is_remarked_on(written: str) -> None:
    assert len(normalise(written).remarks) == 1


@pytest.mark.parametrize("written", ["app/[[...slug]]/x", "a[bc].ts", r"a\[b", "a/[id]"])
def test_brackets_with_a_meaning_are_not_remarked_on(written: str) -> None:
    assert normalise(written).remarks == ()


def test_too_many_alternatives_count_as_a_star_and_are_remarked_on() -> None:
    pattern = "src/" + "{a,b}" * 9 + ".ts"
    assert len(normalise(pattern).remarks) == 1
    assert compile_patterns([pattern]).matches("src/anything.ts")
    assert not compile_patterns([pattern]).matches("src/below/it.ts")


@pytest.mark.parametrize("hostile", ["{" * 1000, "{a,b,{" * 150, "{a,b}" * 200, "}" * 1000, ",{" * 500, "[" * 1000])
def test_hostile_braces_and_brackets_are_read_in_bounded_space(hostile: str) -> None:
    assert len(compile_patterns([hostile]).rules) <= 256
