"""Whenever git conflicts on what two branches did within their plans' claims, the check had warned."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygit2.enums import FileMode

from gitbot.model.plan import Access, Claim, Plan, PlanId, PlanSet, Source
from gitbot.model.preflight import Severity
from gitbot.preflight import Surroundings, check
from tests.conftest import Sandbox, SandboxMaker, step

BASE = {
    "README.md": "read\nme\n",
    "src/app.py": "one\ntwo\nthree\nfour\nfive\n",
    "src/api/routes.py": "get\nput\npost\n",
    "src/api/[id].py": "id\n",
    "docs/guide.md": "first\nsecond\n",
    "conf": "on\n",
}
PATHS = [*BASE, "readme.md", "src/new.py", "src/api", "conf/local", "docs/guide.md/part", "lib/x.py"]

Tree = dict[str, tuple[str, FileMode]]  # by path: text and mode

edits = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "append", "delete", "rename", "mode"]),
        st.sampled_from(PATHS),
        st.sampled_from(PATHS),
        st.sampled_from(["alpha\n", "beta\n"]),
    ),
    min_size=1,
    max_size=4,
)


def edited(edits: Iterable[tuple[str, str, str, str]]) -> Tree:
    """The base with the edits made in it as far as they make sense; a file gives way where a folder is needed."""
    tree: Tree = {path: (text, FileMode.BLOB) for path, text in BASE.items()}

    def put(path: str, entry: tuple[str, FileMode]) -> None:
        for other in list(tree):
            if other.startswith(path + "/") or path.startswith(other + "/"):
                del tree[other]
        tree[path] = entry

    for kind, path, other, text in edits:
        old, mode = tree.get(path, ("", FileMode.BLOB))
        if kind == "write":
            put(path, (text + old.partition("\n")[2], mode))
        elif kind == "append":
            put(path, (old + text, mode))
        elif path in tree and kind == "mode":
            tree[path] = (old, FileMode.BLOB_EXECUTABLE)
        elif path in tree and (kind == "delete" or path != other):
            del tree[path]
            if kind == "rename":
                put(other, (old, mode))
    return tree


def commit(repository: pygit2.Repository, tree: Tree, parents: list[pygit2.Oid]) -> pygit2.Oid:
    index = pygit2.Index()
    for path, (text, mode) in tree.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(text.encode()), mode))
    who = pygit2.Signature("Ada", "ada@example.org", 0, 0)
    return repository.create_commit(None, who, who, "edit", index.write_tree(repository), parents)


def touched(tree: Tree) -> list[str]:
    base: Tree = {path: (text, FileMode.BLOB) for path, text in BASE.items()}
    return sorted(path for path in {*base, *tree} if base.get(path) != tree.get(path))


@st.composite
def claims_on(draw: st.DrawFn, paths: list[str]) -> tuple[Claim, ...]:
    """Claims that cover the paths: each by its name, its folder or a pattern."""
    patterns = []
    for path in paths:
        folder, _, name = path.replace("[", "\\[").replace("]", "\\]").rpartition("/")
        end = name.rpartition(".")[2]
        ways = [path, f"{folder}/" if folder else name, f"{folder}/*.{end}".lstrip("/") if "." in name else name]
        patterns.append(draw(st.sampled_from([*ways, f"{{{path},nowhere.txt}}" if "[" not in path else path])))
    return tuple(Claim(pattern, Access.OWN, Source.DECLARED, 1) for pattern in patterns)


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", BASE))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits, edits, st.data())
def test_no_conflict_of_two_branches_comes_unannounced(
    box: Sandbox, left: list[tuple[str, str, str, str]], right: list[tuple[str, str, str, str]], data: st.DataObject
) -> None:
    trees = [edited(left), edited(right)]
    plans = tuple(
        Plan(id=PlanId(id), path=f"plans/{id}.md", format="canonical", claims=data.draw(claims_on(touched(tree))))
        for id, tree in zip("AB", trees, strict=True)
    )
    answer = check(PlanSet(plans), Surroundings(files=tuple(BASE)))
    if not conflicts(box.path, trees):
        return
    assert [overlap.plans for overlap in answer.overlaps] == [("A", "B")] * len(answer.overlaps)
    loud = {plan for finding in answer.findings for plan in finding.plans}
    assert any(each.severity is not Severity.NOTES or loud >= {"A", "B"} for each in answer.overlaps)


def conflicts(folder: Path, trees: list[Tree]) -> bool:
    """Whether git itself cannot merge the two."""
    repository = pygit2.Repository(str(folder))
    base = repository.revparse_single("main").peel(pygit2.Commit).id
    tips = [str(commit(repository, tree, [base])) for tree in trees]
    merged = subprocess.run(
        ["git", "-C", str(folder), "merge-tree", "--write-tree", *tips], capture_output=True, check=False
    )
    assert merged.returncode in (0, 1), merged.stderr
    return merged.returncode == 1
