"""In which order branches land."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitbot.landing.order import Place, landing_order
from gitbot.model.git import BranchName


def place(name: str, *, phase: int = 0, needs: str = "", priority: int = 0, rivals: str = "") -> Place:
    wanted = tuple(BranchName(need) for need in needs)
    return Place(BranchName(name), phase, wanted, priority, frozenset(BranchName(rival) for rival in rivals))


def order(*places: Place) -> str:
    return "".join(landing_order(places))


def test_ties_keep_the_order_of_the_command_line() -> None:
    assert order(place("b"), place("a"), place("c")) == "bac"


def test_phase_comes_before_priority_and_priority_before_rivals() -> None:
    assert order(place("a", phase=1, priority=9), place("b"), place("c", priority=1)) == "cba"
    assert order(place("a", rivals="bc", priority=1), place("b", rivals="a"), place("c", rivals="a")) == "abc"


def test_a_need_lands_first_whatever_its_phase_and_priority() -> None:
    assert order(place("a", needs="b", priority=9), place("b", phase=3)) == "ba"


def test_what_keeps_fewest_others_out_lands_first_and_who_has_landed_no_longer_counts() -> None:
    assert order(place("a", rivals="bcd"), *(place(name, rivals="a") for name in "bcd")) == "bcad"


def test_circles_and_unknown_needs_hold_nobody_up() -> None:
    assert sorted(order(place("a", needs="b"), place("b", needs="a"), place("c", needs="z"))) == ["a", "b", "c"]


NAMES = "abcdef"


@given(
    st.permutations(NAMES),
    st.dictionaries(st.sampled_from(NAMES), st.sets(st.sampled_from(NAMES)), max_size=6),
    st.dictionaries(st.sampled_from(NAMES), st.integers(0, 2)),
)
def test_every_branch_is_there_once_and_after_its_needs(
    given_order: list[str], needs: dict[str, set[str]], phases: dict[str, int]
) -> None:
    """Needs point backwards in the alphabet here, so that there is no circle."""
    backwards = {name: "".join(sorted(n for n in needs.get(name, ()) if n < name)) for name in NAMES}
    found = order(*(place(name, needs=backwards[name], phase=phases.get(name, 0)) for name in given_order))
    assert sorted(found) == list(NAMES)
    assert all(found.index(need) < found.index(name) for name in NAMES for need in backwards[name])
