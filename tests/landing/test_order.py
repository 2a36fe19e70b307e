"""In which order branches land, and which of those that conflict go first."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from gitbot.landing.order import EXACT, Place, landing_order
from gitbot.model.git import BranchName


def place(name: str, *, phase: int = 0, needs: str = "", priority: int = 0, rivals: str = "") -> Place:
    wanted = tuple(BranchName(need) for need in needs)
    return Place(BranchName(name), phase, wanted, priority, frozenset(BranchName(rival) for rival in rivals))


def order(*places: Place) -> str:
    return "".join(landing_order(places))


def reasons(*places: Place) -> dict[str, str | None]:
    return {str(name): why for name, why in landing_order(places).items()}


def conflicting(names: str, pairs: frozenset[frozenset[str]], priority: dict[str, int] | None = None) -> list[Place]:
    """A place for each letter of `names`."""
    return [
        place(
            name,
            rivals="".join(sorted(other for pair in pairs if name in pair for other in pair - {name})),
            priority=(priority or {}).get(name, 0),
        )
        for name in names
    ]


def landing(places: list[Place]) -> set[str]:
    """Which land when each is tried in turn: whoever has no rival and misses no need."""
    known = {one.name: one for one in places}
    there: set[BranchName] = set()
    for name in landing_order(places):
        if not known[name].rivals & there and set(known[name].needs) & known.keys() <= there:
            there.add(name)
    return {str(name) for name in there}


def most(places: list[Place]) -> int:
    """How many can land at best, by trying every set."""
    known = {one.name: one for one in places}
    for size in range(len(places), 0, -1):
        for names in combinations(known, size):
            if all(
                not known[name].rivals & set(names) and set(known[name].needs) & known.keys() <= set(names)
                for name in names
            ):
                return size
    return 0


# Turns


def test_ties_keep_the_order_of_the_command_line() -> None:
    assert order(place("b"), place("a"), place("c")) == "bac"


def test_of_sets_equally_large_the_first_on_the_command_line_lands() -> None:
    assert order(place("b", rivals="a"), place("a", rivals="b"), place("c")) == "bca"


def test_phase_comes_before_priority_and_priority_before_rivals() -> None:
    assert order(place("a", phase=1, priority=9), place("b"), place("c", priority=1)) == "cba"
    assert order(place("a", rivals="bc", priority=1), place("b", rivals="a"), place("c", rivals="a")) == "abc"


def test_a_need_lands_first_whatever_its_phase_and_priority() -> None:
    assert order(place("a", needs="b", priority=9), place("b", phase=3)) == "ba"


def test_a_need_of_a_valued_branch_is_as_valued() -> None:
    assert (
        order(place("c", priority=5, rivals="b"), place("a", needs="b", priority=9), place("b", rivals="c")) == "bac"
    )


def test_what_keeps_fewest_others_out_lands_first() -> None:
    assert order(place("a", rivals="bcd"), *(place(name, rivals="a") for name in "bcd")) == "bcda"


def test_fewest_rivals_first_would_land_fewer_here() -> None:
    """`a` has the fewest rivals, b, c and d, which get along; each of them also conflicts with four that do not."""
    pairs = (
        *("ab", "ac", "ad"),
        *(one + other for one in "bcd" for other in "wxyz"),
        *map("".join, combinations("wxyz", 2)),
    )
    assert landing(conflicting("abcdwxyz", frozenset(map(frozenset, pairs)))) == {"b", "c", "d"}


def test_a_branch_that_others_need_goes_before_its_rival() -> None:
    assert order(place("a", rivals="b"), place("b", rivals="a"), place("c", needs="b")) == "bca"


def test_what_conflicts_with_its_own_need_goes_last_and_keeps_nobody_out() -> None:
    assert order(place("a", needs="b", rivals="bc"), place("b", rivals="a"), place("c", rivals="a")) == "bca"


def test_circles_and_unknown_needs_hold_nobody_up() -> None:
    assert sorted(order(place("a", needs="b"), place("b", needs="a"), place("c", needs="z"))) == ["a", "b", "c"]


# Reasons


def test_who_goes_first_and_who_last_hears_why_and_what_it_would_cost() -> None:
    places = [
        place("a", rivals="bcd"),
        place("b", rivals="a"),
        place("c", rivals="a"),
        place("d", rivals="a"),
        place("e"),
    ]
    before = "goes before a: they cannot land beside it"
    assert reasons(*places) == {
        "b": before,
        "c": before,
        "d": before,
        "e": None,
        "a": "goes after b, c and d: they cannot land together; without it 4 of 5 can land, with it 2",
    }


def test_a_later_phase_hears_that_the_phase_decides() -> None:
    assert reasons(place("a", rivals="b", phase=1), place("b", rivals="a")) == {
        "b": "goes before a: they cannot land beside it",
        "a": "goes after b: they cannot land together, and phase or priority decides",
    }


def test_many_rivals_are_counted_and_not_listed() -> None:
    hub = reasons(place("a", rivals="bcdef", priority=1), *(place(name, rivals="a") for name in "bcdef"))["a"]
    assert hub == "goes before b, c and 3 more: they cannot land beside it"


def test_what_conflicts_with_its_own_need_hears_that() -> None:
    assert reasons(place("a", needs="b", rivals="b"), place("b"))["a"] == "goes last: it conflicts with what it needs"


# Properties

NAMES = "abcdefgh"
PAIRS = st.frozensets(st.sampled_from([frozenset(pair) for pair in combinations(NAMES, 2)]), max_size=20)


@given(
    st.permutations(NAMES),
    st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), max_size=6),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)),
    PAIRS,
)
def test_every_branch_is_there_once_and_after_its_needs(
    given_order: list[str], needs: dict[str, set[str]], phases: dict[str, int], pairs: frozenset[frozenset[str]]
) -> None:
    """Needs point backwards in the alphabet here, so that there is no circle."""
    backwards = {name: "".join(sorted(n for n in needs.get(name, ()) if n < name)) for name in NAMES}
    rivals = {one.name: "".join(sorted(one.rivals)) for one in conflicting(NAMES, pairs)}
    found = order(
        *(
            place(name, needs=backwards[name], phase=phases.get(name, 0), rivals=rivals[BranchName(name)])
            for name in given_order
        )
    )
    assert sorted(found) == list(NAMES)
    assert all(found.index(need) < found.index(name) for name in NAMES for need in backwards[name])


@given(PAIRS, st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=4))
def test_no_order_lands_more(pairs: frozenset[frozenset[str]], needs: dict[str, str]) -> None:
    """Against every subset; needs point backwards in the alphabet."""
    places = [
        place(
            str(one.name),
            rivals="".join(one.rivals),
            needs=needs[one.name] if needs.get(one.name, "z") < one.name else "",
        )
        for one in conflicting(NAMES, pairs)
    ]
    assert len(landing(places)) == most(places)


@given(PAIRS, st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)))
def test_of_the_more_valued_as_many_land_as_if_they_were_alone(
    pairs: frozenset[frozenset[str]], values: dict[str, int]
) -> None:
    places = conflicting(NAMES, pairs, priority=values)
    best = max(one.priority for one in places)
    top = [one for one in places if one.priority == best]
    assert len(landing(places) & {str(one.name) for one in top}) == most(top)


def test_twenty_that_hang_together_are_answered_exactly() -> None:
    """The corners of a dodecahedron: each has three rivals, and eight of the twenty can be kept apart."""
    names = [BranchName(f"{ring}{number}") for ring in ("outer", "inner") for number in range(10)]
    assert len(names) == EXACT
    edges = [{f"outer{n}", f"outer{(n + 1) % 10}"} for n in range(10)]
    edges += [{f"inner{n}", f"inner{(n + 2) % 10}"} for n in range(10)]
    edges += [{f"outer{n}", f"inner{n}"} for n in range(10)]
    rivals = {
        name: frozenset(BranchName(o) for edge in edges if name in edge for o in edge - {name}) for name in names
    }
    assert len(landing([Place(name, rivals=rivals[name]) for name in names])) == 8


def test_hundreds_of_branches_on_one_file_are_all_ordered() -> None:
    """A wheel of 400 that all conflict with their neighbours and with one hub: every second one can land."""
    names = [BranchName(f"b{number}") for number in range(400)]
    around = {name: {names[number - 1], names[(number + 1) % 400]} for number, name in enumerate(names)}
    hub = Place(BranchName("hub"), rivals=frozenset(names))
    places = [hub, *(Place(name, rivals=frozenset(around[name] | {hub.name})) for name in names)]
    assert landing([*places]) == {str(name) for name in names[::2]}


# Hints


def doubtful(name: str, hints: str, *, rivals: str = "") -> Place:
    """A place with hints against others, whose names are letters."""
    return replace(place(name, rivals=rivals), hints=frozenset(map(BranchName, hints)))


def test_what_may_not_fit_several_others_lands_after_those_and_hears_why() -> None:
    places = [doubtful("a", "bcd"), *(doubtful(name, "a") for name in "bcd"), place("e")]
    assert order(*places) == "ebcda"
    assert reasons(*places) == {
        "e": None,
        **dict.fromkeys("bcd", "goes after e: it may not fit a, though git merges them"),
        "a": "goes after b, c and 2 more: it may not fit b, c and d, though git merges them",
    }


def test_two_that_may_not_fit_each_other_stay_as_they_were_named() -> None:
    places = [doubtful("b", "a"), doubtful("a", "b")]
    assert order(*places) == "ba"
    assert reasons(*places) == {"b": None, "a": None}


def test_hints_decide_nothing_that_phase_priority_needs_or_conflicts_decide() -> None:
    assert order(doubtful("a", "b"), replace(doubtful("b", "a"), phase=1), place("c", phase=2)) == "abc"
    assert order(replace(doubtful("a", "b"), priority=1), doubtful("b", "a"), place("c")) == "acb"
    assert order(doubtful("a", "b"), doubtful("b", "a"), place("c", needs="a")) == "acb"
    assert order(doubtful("a", "d", rivals="b"), place("b", rivals="a"), doubtful("d", "a")) == "adb"


def test_a_conflict_that_moves_a_branch_is_the_reason_that_counts() -> None:
    told = reasons(place("c"), doubtful("a", "b", rivals="z"), doubtful("b", "a"), place("z", rivals="a"))
    assert told["a"] == "goes before z: they cannot land beside it"
