from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.config import Ownership
from gitbot.guard.drift import Drift, Judgement, find_drift, judge, widened
from gitbot.guard.places import drift_report
from gitbot.model.git import Change, ChangeKind
from gitbot.model.plan import Access, Plan, PlanSet
from gitbot.report.drift import places
from gitbot.repository.patches import LARGEST_SHOWN
from gitbot.repository.recipes import Step
from tests.conftest import SandboxMaker
from tests.guard.conftest import claim, plan

A = plan("A", ["src/a/**"], ["package.json"])
B = plan("B", ["src/b/**", "lib/x.py"])


def drift_of(
    paths: Sequence[str],
    mine: Sequence[Plan] = (A,),
    others: Sequence[Plan] = (B,),
    shared: Sequence[str] = (),
    set_shared: Sequence[str] = (),
) -> Drift:
    plans = PlanSet((*mine, *others), tuple(claim(pattern, Access.SHARED) for pattern in set_shared))
    changes = [Change(ChangeKind.MODIFIED, path) for path in paths]
    return find_drift(plans, tuple(mine), changes, shared=tuple(shared))


def kinds(drift: Drift) -> dict[str, str]:
    found = {each.path: f"foreign {each.owner}" for each in drift.foreign}
    found |= {each.path: "shared" for each in drift.shared}
    return found | dict.fromkeys(drift.unowned, "unowned")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/a/deep/one.py", None),
        ("plans/A.md", None),
        ("src/b/two.py", "foreign B"),
        ("lib/x.py", "foreign B"),
        ("plans/B.md", "foreign B"),
        ("README.md", "unowned"),
        ("package.json", None),
        ("src/B/Two.py", "foreign B"),
        ("SRC/A/one.py", None),
        ("PLANS/b.MD", "foreign B"),
    ],
)
def test_a_path_belongs_to_who_claims_it_in_whatever_spelling(path: str, kind: str | None) -> None:
    assert kinds(drift_of([path])).get(path) == kind


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("src/b", "foreign B"),
        ("SRC/B", "foreign B"),
        ("src", None),
        ("lib", "foreign B"),
        ("lib/x.py", "foreign B"),
        ("src/bb", "unowned"),
        ("li", "unowned"),
    ],
)
def test_what_stands_where_a_claimed_folder_is_to_be_belongs_to_the_claim(path: str, kind: str | None) -> None:
    """As a file, a link or a submodule; where several claims lie below, to the branch if one is its own."""
    assert kinds(drift_of([path])).get(path) == kind


@pytest.mark.parametrize(
    "path", ["src/a/../b/two.py", "./src/a/x", "src/a/.git/config", "src/a/.GIT", "src/a/git~1/x"]
)
def test_a_path_that_no_checkout_can_have_is_nobodys_to_touch(path: str) -> None:
    (found,) = drift_of([path]).foreign
    assert (found.owner, found.text) == (None, f"{path} is a path that no checkout can have")


def test_a_decomposed_spelling_is_the_owned_path() -> None:
    owner = plan("B", ["src/café.py"])
    path = unicodedata.normalize("NFD", "src/café.py")
    assert kinds(drift_of([path], others=[owner])) == {path: "foreign B"}


def test_without_a_plan_of_its_own_a_branch_has_no_drift() -> None:
    assert drift_of(["src/b/two.py", "x"], mine=()) == Drift()


def test_two_plans_on_one_branch_unite_their_claims_without_cutting_each_other() -> None:
    first = plan("A", ["src/**", "!src/legacy/**"])
    second = plan("C", ["src/legacy/old.py"])
    assert kinds(drift_of(["src/x", "src/legacy/old.py"], mine=[first, second])) == {}


def test_a_rename_counts_on_both_names() -> None:
    change = Change(ChangeKind.RENAMED, "src/a/new.py", "src/b/two.py")
    drift = find_drift(PlanSet((A, B)), (A,), [change], shared=())
    assert kinds(drift) == {"src/b/two.py": "foreign B"}


def test_the_trespass_names_file_owner_and_line() -> None:
    (found,) = drift_of(["src/b/two.py"]).foreign
    assert found.text == "src/b/two.py belongs to plan B (plans/B.md:3: src/b/**)"
    assert (found.owner, found.owner_path, found.declared) == ("B", "plans/B.md", True)


def test_listing_another_plans_file_as_shared_does_not_open_it() -> None:
    mine = plan("A", ["src/a/**"], ["src/b/two.py"])
    assert kinds(drift_of(["src/b/two.py"], mine=[mine])) == {"src/b/two.py": "foreign B"}


def test_what_others_share_or_read_is_nobodys() -> None:
    other = plan("B", [], ["src/cli.py"], reads=["src/db.py"])
    assert kinds(drift_of(["src/cli.py", "src/db.py"], others=[other])) == {
        "src/cli.py": "unowned",
        "src/db.py": "unowned",
    }


def test_an_inferred_claim_of_another_plan_is_found_but_not_declared() -> None:
    other = plan("B", [claim("src/x.py", inferred=True)])
    (found,) = drift_of(["src/x.py"], others=[other]).foreign
    assert not found.declared
    assert judge(Drift(foreign=(found,)), Ownership(), reason=None) == Judgement(warned=(found.text,))


def test_a_declared_claim_beats_an_inferred_one_of_the_branch() -> None:
    mine = plan("A", [claim("src/b/two.py", inferred=True)])
    assert kinds(drift_of(["src/b/two.py"], mine=[mine])) == {"src/b/two.py": "foreign B"}


def test_what_two_plans_own_alike_either_may_change() -> None:
    assert kinds(drift_of(["src/b/two.py"], mine=[plan("A", ["src/b/two.py"])])) == {}


def test_an_excluded_path_is_not_owned_in_another_spelling_either() -> None:
    mine = plan("A", ["src/**", "!src/secret.py"])
    other = plan("B", ["src/secret.py"])
    assert kinds(drift_of(["src/secret.py", "src/SECRET.py"], mine=[mine], others=[other])) == {
        "src/secret.py": "foreign B",
        "src/SECRET.py": "foreign B",
    }


def test_a_declared_exclusion_stands_before_a_later_inferred_claim() -> None:
    mine = plan("A", ["src/**", "!src/x.py", claim("src/x.py", inferred=True)])
    assert kinds(drift_of(["src/x.py"], mine=[mine])) == {"src/x.py": "unowned"}


@pytest.mark.parametrize(
    ("mine", "kind"),
    [
        (plan("A", ["src/**"]), "shared"),
        (plan("A", ["src/index.ts"]), None),
        (plan("A", [], ["src/index.ts"]), None),
        (plan("A", [], ["src/*.ts"]), None),
        (plan("A", [claim("src/index.ts", inferred=True)]), "shared"),
    ],
)
@pytest.mark.parametrize("by_configuration", [True, False])
def test_a_shared_file_is_for_plans_that_list_it(mine: Plan, kind: str | None, by_configuration: bool) -> None:
    """A wide pattern lists nothing, whether the configuration or the set of plans shares the file."""
    listed = ["src/index.ts"]
    drift = drift_of(
        ["src/index.ts"],
        mine=[mine],
        others=[plan("B", ["src/**"])],
        shared=listed if by_configuration else (),
        set_shared=() if by_configuration else listed,
    )
    assert kinds(drift).get("src/index.ts") == kind


def test_a_shared_file_that_another_plan_names_as_its_own_is_foreign() -> None:
    drift = drift_of(["package.json"], others=[plan("B", ["package.json"])], shared=["package.json"])
    assert kinds(drift) == {"package.json": "foreign B"}


def test_claims_lapse_when_the_plan_is_no_longer_active() -> None:
    changes = [Change(ChangeKind.MODIFIED, "src/b/two.py")]
    drift = find_drift(PlanSet((A, B)), (A,), changes, shared=(), active=lambda each: each.id != "B")
    assert kinds(drift) == {"src/b/two.py": "unowned"}


def test_a_plan_that_is_new_on_the_branch_takes_nothing_from_one_in_force() -> None:
    new = plan("Z", ["**"])
    changes = [Change(ChangeKind.MODIFIED, path) for path in ("src/b/two.py", "README.md")]
    drift = find_drift(PlanSet((B,)), (new,), changes, shared=())
    assert kinds(drift) == {"src/b/two.py": "foreign B"}


def test_untouched_are_the_owned_patterns_that_nothing_matches() -> None:
    mine = plan("A", ["src/a/**", "!src/a/x", "docs/*.md", "src/{c,d}/one.py"], ["package.json"])
    assert drift_of(["src/a/one.py", "src/d/one.py"], mine=[mine]).untouched == ("docs/*.md",)


def test_a_reason_excuses_shared_and_unowned_but_never_foreign() -> None:
    drift = drift_of(["src/b/two.py", "yarn.lock", "README.md"], shared=["yarn.lock"])
    strict = Ownership(unowned="refuse")
    without, excused = judge(drift, strict, reason=None), judge(drift, strict, reason="security fix")
    assert [line.split()[0] for line in without.refused] == ["src/b/two.py", "yarn.lock", "README.md"]
    assert [line.split()[0] for line in excused.refused] == ["src/b/two.py"]
    assert all(line.endswith("(Gitbot-Reason: security fix)") for line in excused.warned)


@pytest.mark.parametrize(
    ("ownership", "refused", "warned"),
    [
        (Ownership(), 2, 1),
        (Ownership(foreign="warn"), 1, 2),
        (Ownership(shared="warn"), 1, 2),
        (Ownership(unowned="allow"), 2, 0),
        (Ownership(unowned="refuse"), 3, 0),
    ],
)
def test_the_configuration_says_what_is_refused(ownership: Ownership, refused: int, warned: int) -> None:
    drift = drift_of(["src/b/two.py", "yarn.lock", "README.md"], shared=["yarn.lock"])
    judgement = judge(drift, ownership, reason=None)
    assert (len(judgement.refused), len(judgement.warned)) == (refused, warned)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (["src/**"], ["src/a.py"], ()),
        (["src/a.py"], ["src/**"], ("src/**",)),
        (["src/**", "!src/x.py"], ["src/**"], ("src/**",)),
        (["src/**"], ["src/**", "!src/x.py"], ()),
        (["a.py"], ["a.py", "b.py"], ("b.py",)),
        (["src/{a,b}.py"], ["src/a.py", "src/b.py"], ()),
    ],
)
def test_widened_are_the_patterns_that_reach_beyond_the_version_in_force(
    before: list[str], after: list[str], found: tuple[str, ...]
) -> None:
    assert widened((plan("A", before),), (plan("A", after),)) == found


def test_owning_what_was_only_shared_widens_and_the_other_way_round_does_not() -> None:
    owner, sharer = plan("A", ["x.py"]), plan("A", [], ["x.py"])
    assert widened((sharer,), (owner,)) == ("x.py",)
    assert widened((owner,), (sharer,)) == ()


def test_a_new_plan_widens_nothing() -> None:
    assert widened((A,), (A, plan("Z", ["**"]))) == ()


def test_the_report_has_the_lines_of_what_is_not_claimed(sandbox: SandboxMaker) -> None:
    """Not of what is owned, gone, binary, a submodule or too large; and none for what a rename left behind."""
    base: dict[str, str | list[str]] = {
        "src/b/two.py": [f"line {number}" for number in range(1, 21)],
        "lib/x.py": "x\n",
        "src/a/one.py": "a\n",
    }
    box = sandbox(Step(branch="main", message="base", files=base))
    lines = [f"line {number}" for number in range(1, 21)]
    lines[4:6] = ["five", "six", "and a half"]
    (box.path / "src/b/two.py").write_text("\n".join([*lines, "end"]) + "\n")
    (box.path / "lib/x.py").unlink()
    (box.path / "src/a/one.py").write_text("b\n")
    (box.path / "README.md").write_text("hello\n")
    (box.path / "image").write_bytes(b"\0\1\2")
    (box.path / "large").write_text("x\n" * LARGEST_SHOWN)
    box.git("add", "-A")
    box.git("update-index", "--add", "--cacheinfo", f"160000,{box.tip('main')},sub")
    box.git("commit", "-q", "-m", "work")
    changes = box.repository.changes(box.tip("main~1"), box.tip("main"))
    drift = find_drift(PlanSet((A, B)), (A,), changes, shared=())
    found = drift_report(box.repository, drift, changes)
    assert found.lines == {"src/b/two.py": ((5, 7), (22, 22)), "README.md": ((1, 1),)}
    assert found.foreign == ("lib/x.py", "src/b/two.py")
    assert list(places(found))[:3] == ["lib/x.py", "src/b/two.py:5-7,22", "README.md:1 (nobody's)"]


_SEGMENT = st.sampled_from(["a", "B", "b", "x.py", "**", "*", "é", "{a,b}"])
_PATTERNS = st.lists(st.lists(_SEGMENT, min_size=1, max_size=3).map("/".join), max_size=4)
_NAMES = st.lists(st.sampled_from(["a", "A", "b", "x.py", "é", "\udc80", "\n"]), min_size=1, max_size=3)


@settings(deadline=None, max_examples=100)
@given(_PATTERNS, _PATTERNS, _PATTERNS, st.lists(_NAMES.map("/".join), max_size=6))
def test_every_touched_path_has_one_standing_and_order_does_not_matter(
    own: list[str], others: list[str], shared: list[str], paths: list[str]
) -> None:
    mine, other, third = plan("A", own), plan("B", others), plan("C", ["a/**"])
    forward = drift_of(paths, [mine], [other, third], shared)
    backward = drift_of(paths[::-1], [mine], [third, other], shared)
    assert set(kinds(forward)) == set(kinds(backward))
    named = [each.path for each in (*forward.foreign, *forward.shared)] + list(forward.unowned)
    assert len(named) == len(set(named))
    assert set(named) <= set(paths)
