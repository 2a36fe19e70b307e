"""What a list covers, which of its patterns decides, and how the search stays within bounds."""

from __future__ import annotations

import pytest

from gitbot.patterns import Witness, candidate_pairs, compile_patterns, keys_of, witness


def test_the_last_pattern_that_covers_a_path_decides() -> None:
    patterns = compile_patterns(["src/**", "!src/api/", "src/api/keep.ts", "src/**"])
    assert patterns.decided_by("src/api/x.ts") == 3
    assert patterns.decided_by("docs/x.md") is None
    assert compile_patterns(patterns.patterns[:3]).decided_by("src/api/x.ts") == 1
    assert compile_patterns(patterns.patterns[:3]).decided_by("src/api/keep.ts") == 2


def test_a_file_that_turns_out_to_be_a_folder_is_covered_with_all_that_it_holds() -> None:
    patterns = compile_patterns(["vendor/next.js", "lib/*.js"])
    assert patterns.matches("vendor/next.js/index.ts")
    assert not patterns.matches("lib/next.js/index.ts")


@pytest.mark.parametrize("path", ["app/v1/[id].tsx", "app/v[12]/[id].tsx", "app/v[12]/i.tsx", "app/v2/d.tsx"])
def test_each_bracket_group_is_a_class_and_a_name_by_itself(path: str) -> None:
    assert compile_patterns(["app/v[12]/[id].tsx"]).matches(path)


@pytest.mark.parametrize("written", ["caf\u00e9.md", "cafe\u0301.md"])
def test_composed_and_decomposed_names_are_one(written: str) -> None:
    assert compile_patterns([written]).matches("caf\u00e9.md")
    assert compile_patterns([written]).matches("cafe\u0301.md")


def test_names_that_differ_in_case_meet_only_with_folding() -> None:
    left, right = compile_patterns(["README.md", "LICENSE"]), compile_patterns(["readme.md", "**/*.[MT]D"])
    assert witness(left, right) is None
    assert witness(left, right, fold_case=True) == Witness("readme.md")
    assert witness(compile_patterns(["LICENSE"]), compile_patterns(["**/*.md"]), fold_case=True) is None


def test_no_witness_lies_below_a_file_unless_the_other_list_goes_there() -> None:
    file = compile_patterns(["Makefile", "src/a.js", "!src/b/**"])
    assert witness(file, compile_patterns(["**/*.md"])) is None
    assert witness(file, compile_patterns(["src/a.js/*.md"])) == Witness("src/a.js/x.md")
    assert witness(file, compile_patterns(["**/*.md", "!docs/**"])) is None


def test_only_lists_whose_heads_lie_in_each_other_are_candidates() -> None:
    lists = [
        compile_patterns(patterns)
        for patterns in (
            ["src/a.ts"],
            ["src/b.ts"],
            ["src/**"],
            ["docs/"],
            ["SRC/a.ts"],
            ["!src/**"],
            ["lib", "docs/x/*"],
        )
    ]
    assert candidate_pairs([keys_of([each]) for each in lists]) == [(0, 2), (0, 4), (1, 2), (2, 4), (3, 6)]


def test_many_lists_without_a_common_folder_have_no_candidates() -> None:
    lists = (compile_patterns([f"src/m{i}/*.ts", f"docs/m{i}.md"]) for i in range(2000))
    assert candidate_pairs([keys_of([each]) for each in lists]) == []


def test_lists_that_all_collide_all_have_the_same_witness() -> None:
    lists = [compile_patterns(["src/**", "docs/*.*"]) for _ in range(100)]
    pairs = candidate_pairs([keys_of([each]) for each in lists])
    assert len(pairs) == 100 * 99 // 2
    assert {witness(lists[one], lists[other]) for one, other in pairs} == {Witness("src/x")}


def test_a_witness_reads_like_a_name() -> None:
    assert witness(compile_patterns(["src/*.ts"]), compile_patterns(["src/*.d.ts"])) == Witness("src/x.d.ts")
    assert witness(compile_patterns(["src/*.*"]), compile_patterns(["src/**"])) == Witness("src/x.x")


def test_a_search_without_end_answers_maybe_and_names_a_pattern() -> None:
    left, right = "*a" + "?" * 20, "*b" + "?" * 20
    found = witness(compile_patterns([left]), compile_patterns([right]))
    assert found is not None
    assert not found.exact
    assert found.path in (left, right)


@pytest.mark.parametrize("hostile", ["*a" * 500, "?" * 1000, "**/a*/" * 30 + "x", "[a-z]*" * 150])
def test_hostile_patterns_are_answered_within_bounds(hostile: str) -> None:
    left, right = compile_patterns([hostile, "!*q*"]), compile_patterns(["*b" * 300, "!*c*"])
    found = witness(left, right)
    assert found is None or not found.exact or (left.matches(found.path) and right.matches(found.path))
