"""What must hold for any patterns: the algebra against brute force, a naive reading and a gitignore matcher."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from pathspec import GitIgnoreSpec

from gitbot.errors import PatternError
from gitbot.patterns import candidate_pairs, compile_patterns, keys_of, normalise, witness

FOLDERS = ["a", "b", "ab"]
LEAVES = [*FOLDERS, "a.ts", "ab.ts", ".ts"]
UNIVERSE = [
    "/".join((*above, leaf)) for depth in range(3) for above in product(FOLDERS, repeat=depth) for leaf in LEAVES
]

segments = st.sampled_from([*FOLDERS, "*", "?", "a*", "*b", "**", "[!b]b"])
last_segments = st.one_of(segments, st.sampled_from(["*.ts", "a.ts", "?.ts", "[ab].ts", "[!a].ts", "a*.ts"]))
ends = st.sampled_from(["", "", "", "/", "/**"])
plain_patterns = st.builds(
    lambda above, last, end: "/".join((*above, last)) + ("" if last.endswith("ts") else end),
    st.lists(segments, max_size=2),
    last_segments,
    ends,
)
brace_patterns = st.builds(
    lambda left, right, end: f"{{{left},{right}}}{end}",
    plain_patterns,
    plain_patterns,
    st.sampled_from(["", "/a", "/*.ts"]),
)
patterns = st.one_of(plain_patterns, brace_patterns)
rules = st.builds(lambda sign, pattern: sign + pattern, st.sampled_from(["", "", "!"]), patterns)
lists = st.lists(rules, min_size=1, max_size=4)


@settings(deadline=None)
@given(lists, lists)
def test_a_witness_is_found_from_both_sides_and_covered_by_both(left: list[str], right: list[str]) -> None:
    one, other = compile_patterns(left), compile_patterns(right)
    found = witness(one, other)
    assert witness(other, one) == found
    if found is not None:
        assert found.exact
        assert one.matches(found.path)
        assert other.matches(found.path)


@settings(deadline=None)
@given(lists, lists)
def test_no_shared_path_of_a_small_universe_is_missed(left: list[str], right: list[str]) -> None:
    one, other = compile_patterns(left), compile_patterns(right)
    if any(one.matches(path) and other.matches(path) for path in UNIVERSE):
        assert witness(one, other) is not None
        assert candidate_pairs([keys_of([one]), keys_of([other])]) == [(0, 1)]


@settings(deadline=None)
@given(lists)
def test_a_list_overlaps_itself_unless_it_owns_nothing(texts: list[str]) -> None:
    compiled = compile_patterns(texts)
    owns = any(compiled.matches(path) for path in UNIVERSE) or witness(compiled, compile_patterns(["**"])) is not None
    assert (witness(compiled, compiled) is not None) is owns


@settings(deadline=None)
@given(lists, lists, patterns)
def test_adding_a_pattern_never_ends_an_overlap(left: list[str], right: list[str], added: str) -> None:
    other = compile_patterns(right)
    if witness(compile_patterns(left), other) is not None:
        assert witness(compile_patterns([*left, added]), other) is not None


@settings(deadline=None)
@given(lists)
def test_the_last_pattern_that_covers_a_path_alone_decides_it_in_the_list(texts: list[str]) -> None:
    compiled = compile_patterns(texts)
    alone = [compile_patterns([text.removeprefix("!")]) for text in texts]
    for path in UNIVERSE[::3]:
        covering = [index for index, each in enumerate(alone) if each.matches(path)]
        decided = compiled.decided_by(path)
        assert decided == (covering[-1] if covering else None)
        assert compiled.matches(path) is (decided is not None and not texts[decided].startswith("!"))


@settings(deadline=None)
@given(plain_patterns, plain_patterns, st.sampled_from(["", "x", "/a", "/*.ts"]))
def test_braces_are_the_union_of_their_alternatives(first: str, second: str, end: str) -> None:
    braced = compile_patterns([f"{{{first},{second}}}{end}"])
    union = compile_patterns([first + end, second + end])
    assert [braced.matches(path) for path in UNIVERSE] == [union.matches(path) for path in UNIVERSE]


@settings(deadline=None)
@given(plain_patterns.filter(lambda pattern: not pattern.endswith("**/")))
def test_without_exclusions_a_gitignore_matcher_agrees(pattern: str) -> None:
    """Rooted by a leading slash, the dialects agree; but `a/**/` is all of a here, its folders' contents there."""
    ours, theirs = compile_patterns([pattern]), GitIgnoreSpec.from_lines(["/" + pattern])
    assert [path for path in UNIVERSE if ours.matches(path)] == [path for path in UNIVERSE if theirs.match_file(path)]


@settings(deadline=None)
@given(st.lists(st.text(max_size=30), max_size=3), st.lists(st.text("ab*?[]{},!/.-\\:~ ", max_size=30), max_size=3))
def test_rubbish_is_refused_in_one_way_or_answered(left: list[str], right: list[str]) -> None:
    try:
        one, other = compile_patterns(left), compile_patterns(right)
    except PatternError:
        return
    found = witness(one, other)
    assert found == witness(other, one)
    assert found is None or (one.matches(found.path) and other.matches(found.path))
    for text in (*left, *right):
        once = normalise(text)
        assert normalise(once.text).text == once.text
        one.matches(text)
