"""The proof that nothing is lost, and that a wrong candidate does not pass it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.merge.proof import EMPTY, count_patches, residual
from gitbot.model.git import BranchName, Oid, Person
from gitbot.model.merge import Candidate, Resolution, Strategy
from gitbot.model.run import Patches
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from gitbot.repository.writing import write_blob, write_tree
from tests.conftest import Sandbox, SandboxMaker, step

NAME = BranchName("agent-a")
ME = Person("Grace Hopper", "grace@example.org", 1_700_000_000, 0)
LOG = ["# Changes", "", "- old one", "- older one"]


@contextmanager
def bench_of(box: Sandbox, tmp_path: Path) -> Iterator[Workbench]:
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        yield bench


def candidate(
    bench: Workbench, box: Sandbox, files: Mapping[str, str], *, tree: Oid | None = None, how: str | None = None
) -> Candidate:
    """A merge of main and agent-a with `files` put over what git made; `how` says that they were settled so."""
    onto, tip = box.tip("main"), box.tip("agent-a")
    merged = bench.merge(onto, tip)
    frame = tree or (merged.tree if isinstance(merged, Merged) else merged.frame)
    written = {path: (write_blob(bench.repository, text.encode()), 0o100644) for path, text in files.items()}
    made = write_tree(bench.repository, frame, written) if written else frame
    resolved: tuple[Resolution, ...] = ()
    if how is not None:
        assert isinstance(merged, Unmerged)
        sides = ((path.path, path.ours, path.theirs) for path in merged.paths)
        resolved = tuple(Resolution(path, how, 1, ours or onto, theirs or tip) for path, ours, theirs in sides)
    commit = bench.write_commit(made, (onto, tip), ME, ME, "merge\n")
    return Candidate(NAME, tip, onto, commit, made, (tip, commit), Strategy.MERGE, "", resolved)


def both_add(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(
        step("main", {"log.md": LOG}),
        step("agent-a", {"log.md": [*LOG[:2], "- from a", *LOG[2:]]}),
        step("main", {"log.md": [*LOG[:2], "- from main", *LOG[2:]]}),
    )


def test_what_git_merged_is_all_there(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(step("main", {"a.txt": "a\n"}), step("agent-a", {"b.txt": "b\n"}), step("main", {"c.txt": "c\n"}))
    with bench_of(box, tmp_path) as bench:
        assert residual(bench, candidate(bench, box, {}), box.tip("main~1")) == EMPTY


def test_a_merge_that_took_the_targets_side_alone_does_not_pass(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(step("main", {"a.txt": "a\n"}), step("agent-a", {"b.txt": "b\n"}), step("main", {"c.txt": "c\n"}))
    with bench_of(box, tmp_path) as bench:
        ours = candidate(bench, box, {}, tree=bench.repository.tree_of(box.tip("main")))
        assert residual(bench, ours, box.tip("main~1")) == "1 of its paths would still change: b.txt"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([*LOG[:2], "- from main", "- from a", *LOG[2:]], EMPTY),
        ([*LOG[:2], "- from a", "- from main", *LOG[2:]], EMPTY),
        ([*LOG[:2], "- from main", *LOG[2:]], "1 of its paths would still change: log.md"),
        ([*LOG[:2], "- from a", *LOG[2:]], "1 of its paths would still change: log.md"),
        ([*LOG[:2], "- from main", "- from a", LOG[2]], "1 of its paths would still change: log.md"),
        ([*LOG[:2], "- from main", "- from a", "- made up", *LOG[2:]], "1 of its paths would still change: log.md"),
    ],
    ids=[
        "both",
        "both the other way",
        "the branch's lost",
        "the target's lost",
        "an old line lost",
        "a line made up",
    ],
)
def test_a_file_in_which_both_sides_were_kept_has_to_hold_both(
    sandbox: SandboxMaker, tmp_path: Path, lines: list[str], said: str
) -> None:
    box = both_add(sandbox)
    with bench_of(box, tmp_path) as bench:
        made = candidate(bench, box, {"log.md": "\n".join(lines) + "\n"}, how="insert-both")
        assert residual(bench, made, box.tip("main~1")) == said


def test_words_of_one_line_that_both_sides_changed_are_counted(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        step("main", {"m.py": "from m import b\n"}),
        step("agent-a", {"m.py": "from m import a, b\n"}),
        step("main", {"m.py": "from m import b, c\n"}),
    )
    with bench_of(box, tmp_path) as bench:
        whole = candidate(bench, box, {"m.py": "from m import a, b, c\n"}, how="tokens")
        assert residual(bench, whole, box.tip("main~1")) == EMPTY
        partly = candidate(bench, box, {"m.py": "from m import b, c\n"}, how="tokens")
        assert residual(bench, partly, box.tip("main~1")) != EMPTY


def test_what_a_person_or_a_tool_decided_is_not_counted_by_lines(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = both_add(sandbox)
    with bench_of(box, tmp_path) as bench:
        made = candidate(bench, box, {"log.md": "rewritten\n"}, how="recorded")
        assert residual(bench, made, box.tip("main~1")) == EMPTY
        mixed = candidate(bench, box, {"log.md": "rewritten\n"}, how="insert-both+line-disjoint")
        assert residual(bench, mixed, box.tip("main~1")) != EMPTY


def test_a_file_that_went_along_with_its_renamed_folder_is_there_as_it_was(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    old, new = ({f"{folder}/{name}.txt": f"the text of {name}\n" * 5 for name in "ab"} for folder in ("old", "new"))
    box = sandbox(step("main", old), step("agent-a", {"old/c.txt": "c\n"}), step("main", new, delete=[*old]))
    with bench_of(box, tmp_path) as bench:
        along = bench.merge(box.tip("main"), box.tip("agent-a"), move_folders=True)
        assert isinstance(along, Merged)
        made = candidate(bench, box, {}, tree=along.tree, how="rename-dir")
        assert [one.path for one in made.resolved] == ["new/c.txt"]
        assert residual(bench, made, box.tip("main~1")) == EMPTY
        other = candidate(bench, box, {"new/c.txt": "another\n"}, tree=along.tree, how="rename-dir")
        assert residual(bench, other, box.tip("main~1")) == "1 of its paths would still change: new/c.txt"


@st.composite
def renamed(draw: st.DrawFn) -> tuple[str, str, bool]:
    """Whose each line is (o: the target's, t: the branch's), who renames the file, and whether the branch runs it."""
    parts = draw(st.lists(st.tuples(st.sampled_from("ot-"), st.integers(1, 8)), min_size=1, max_size=5))
    return "-".join(side * count for side, count in parts), draw(st.sampled_from("ot")), draw(st.booleans())


def text_of(whose: str, sides: str) -> bytes:
    """The file with the edits of some sides."""
    lines = (f"what {w} wrote as {n * 7} {n}" if w in sides else f"line {n} of old" for n, w in enumerate(whose))
    return "".join(line + "\n" for line in lines).encode()


def test_a_file_that_one_side_renames_and_both_rewrite_passes_exactly_where_all_of_the_branch_is_there(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """However little of the old text is left: where git merges them, so that its answer can be told as right."""
    box, outcomes = sandbox(step("main", {"a.txt": "a\n"})), set[bool]()
    root = box.repository.tree_of(box.tip("main"))

    def example(bench: Workbench, whose: str, renamer: str, runs: bool) -> None:
        def tree(sides: str, name: str, mode: int, *more: str) -> Oid:
            blob = write_blob(bench.repository, text_of(whose, sides))
            return write_tree(bench.repository, root, dict.fromkeys((name, *more), (blob, mode)))

        def commit(made: Oid, *parents: Oid) -> Oid:
            return bench.write_commit(made, parents, ME, ME, "one\n")

        def residue(made: Oid) -> str:
            landing = commit(made, onto, tip)
            return residual(
                bench, Candidate(NAME, tip, onto, landing, made, (tip, landing), Strategy.MERGE, "", ()), base
            )

        new = {side: "new.py" if side == renamer else "old.py" for side in "ot"}
        mode = 0o100755 if runs else 0o100644
        base = commit(tree("", "old.py", 0o100644))
        onto = commit(tree("o", new["o"], 0o100644), base)
        tip = commit(tree("t", new["t"], mode), base)
        right = tree("ot", "new.py", mode)
        outcomes.add(bench.merge(onto, tip) == Merged(right))
        if bench.merge(onto, tip) != Merged(right):
            return  # git takes them for two files
        assert residue(right) == EMPTY
        if "t" in whose:
            assert residue(tree("o", "new.py", mode)) != EMPTY
        if runs:
            assert residue(tree("ot", "new.py", 0o100644)) != EMPTY
        if renamer == "t":
            assert residue(tree("ot", "old.py", mode)) != EMPTY
            assert residue(tree("ot", "new.py", mode, "old.py")) != EMPTY

    with bench_of(box, tmp_path) as bench:

        @settings(max_examples=15, derandomize=True)
        @given(renamed())
        def every(one: tuple[str, str, bool]) -> None:
            example(bench, *one)

        every()
    assert outcomes == {True, False}


def test_a_file_that_the_branch_renames_and_then_rewrites_is_followed_by_its_commits(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    """Nothing says so of its two ends. A name that is there again is of another file."""
    old, new, onto, right = (text_of("o" + "t" * 9, sides).decode() for sides in ("", "t", "o", "ot"))
    box = sandbox(
        step("main", {"old.py": old, "log.md": LOG}),
        step("agent-a", {"between.py": old}, delete=["old.py"]),
        step("agent-a", {"new.py": old}, delete=["between.py"]),
        step("agent-a", {"new.py": new, "old.md": LOG}, delete=["log.md"]),
        step("agent-a", {"log.md": ["begun anew"]}),
        step("main", {"old.py": onto}),
    )
    with bench_of(box, tmp_path) as bench:
        tree = bench.repository.tree_of(box.tip("agent-a"))
        assert residual(bench, candidate(bench, box, {"new.py": right}, tree=tree), box.tip("main~1")) == EMPTY
        for text in (onto, old):
            made = candidate(bench, box, {"new.py": text}, tree=tree)
            assert residual(bench, made, box.tip("main~1")) == "1 of its paths would still change: new.py"
        lost = candidate(bench, box, {"new.py": right, "log.md": "\n".join(LOG)}, tree=tree)
        assert residual(bench, lost, box.tip("main~1")) == "1 of its paths would still change: log.md"


# What became of the commits


def test_patches_are_the_same_adapted_or_dropped(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        step("main", {"a.txt": LOG}),
        step("agent-a", {"new.txt": "new\n"}),
        step("agent-a", {"a.txt": [*LOG, "more of a"]}),
        step("agent-a", {"there.txt": "there\n"}),
        step("main", {"there.txt": "there\n", "a.txt": [*LOG[:2], "- old one, reworded", LOG[3]]}),
    )
    box.git("checkout", "-q", "-b", "landed", "agent-a")
    box.git("rebase", "-q", "main")
    base = box.tip("main~1")
    commits = tuple(Oid(oid) for oid in box.git("rev-list", "--reverse", "main..landed").split())
    with bench_of(box, tmp_path) as bench:
        merged = candidate(bench, box, {})
        rebased = replace(merged, commit=commits[-1], commits=commits, strategy=Strategy.REBASE)
        assert count_patches(bench, rebased, base) == Patches(same=1, adapted=1, dropped=1)
        own = tuple(Oid(oid) for oid in box.git("rev-list", "main..agent-a").split())
        as_it_is = replace(merged, commits=(*own, merged.commit))
        assert count_patches(bench, as_it_is, base) == Patches(same=3, adapted=0, dropped=0)


def test_a_squash_that_holds_the_whole_diff_holds_every_patch(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = sandbox(
        step("main", {"a.txt": LOG}),
        step("agent-a", {"a.txt": [*LOG, "wip"]}),
        step("agent-a", {"a.txt": [*LOG, "done"]}),
        step("main", {"b.txt": "b\n"}),
    )
    with bench_of(box, tmp_path) as bench:
        merged = candidate(bench, box, {})
        squash = bench.write_commit(merged.tree, (box.tip("main"),), ME, ME, "done\n")
        squashed = replace(merged, commit=squash, commits=(squash,), strategy=Strategy.SQUASH)
        assert count_patches(bench, squashed, box.tip("main~1")) == Patches(same=2, adapted=0, dropped=0)
