"""Each way of merging that is out of the ordinary, with its one outcome, in gitbot and in a real `git merge`."""

from __future__ import annotations

import subprocess
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitbot.errors import GitError
from gitbot.model.git import Oid
from gitbot.repository import Repository, open_repository
from gitbot.repository.workbench import Merged, Unmerged, Workbench
from tests.conftest import Sandbox, SandboxMaker, step

File = bytes | tuple[str, bytes] | None  # contents, mode and contents (of a gitlink: the oid), or deleted
Tree = Mapping[str, File]
LINES = b"".join(b"line %d\n" % n for n in range(1, 31))
SUBMODULE = [f"{n:040x}".encode() for n in range(1, 4)]
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 7\n"
COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


def edited(data: bytes, *numbers: int) -> bytes:
    """The text with some of its lines changed."""
    lines = data.splitlines(keepends=True)
    for number in numbers:
        lines[number - 1] = b"changed\n"
    return b"".join(lines)


@dataclass(frozen=True, slots=True)
class Row:
    """Three trees, and the kinds of the conflicts by path ; none: it merges."""

    base: Tree
    ours: Tree
    theirs: Tree
    conflicts: Mapping[str, str] | None = None
    git_conflicts: bool = True  # whether `git merge` conflicts too, where gitbot does


CLEAN = {
    "rename-modify": Row({"a": LINES}, {"a": None, "b": LINES}, {"a": edited(LINES, 3)}),
    "rename-much-rewritten": Row(
        {"a": LINES}, {"a": None, "b": edited(LINES, *range(1, 13))}, {"a": edited(LINES, 25)}
    ),
    "both-rename-to-one-name": Row(
        {"a": LINES}, {"a": None, "b": edited(LINES, 3)}, {"a": None, "b": edited(LINES, 20)}
    ),
    "submodule-moved-by-one": Row(
        {"sub": ("160000", SUBMODULE[0])}, {"x": b"x\n"}, {"sub": ("160000", SUBMODULE[1])}
    ),
    "submodule-moved-alike": Row(
        {"sub": ("160000", SUBMODULE[0])}, {"sub": ("160000", SUBMODULE[1])}, {"sub": ("160000", SUBMODULE[1])}
    ),
    "symlink-by-one": Row({"link": ("120000", b"a")}, {"x": b"x\n"}, {"link": ("120000", b"b")}),
    "executable-and-edit": Row({"run": LINES}, {"run": ("100755", LINES)}, {"run": edited(LINES, 3)}),
    "latin-1": Row(
        {"t": b"gr\xfc\xdfe\n" + LINES}, {"t": b"gr\xfc\xdfe!\n" + LINES}, {"t": b"gr\xfc\xdfe\n" + edited(LINES, 20)}
    ),
    "crlf": Row({"t": b"1\r\n2\r\n3\r\n4\r\n"}, {"t": b"x\r\n2\r\n3\r\n4\r\n"}, {"t": b"1\r\n2\r\n3\r\ny\r\n"}),
    "union": Row(
        {".gitattributes": b"log merge=union\n", "log": b"1\n"}, {"log": b"1\nours\n"}, {"log": b"1\ntheirs\n"}
    ),
    "union-by-macro": Row(
        {".gitattributes": b'"a b" merge=union\nsub/** merge=union\n', "a b": b"1\n", "sub/x/log": b"1\n"},
        {"a b": b"1\nours\n", "sub/x/log": b"1\nours\n"},
        {"a b": b"1\ntheirs\n", "sub/x/log": b"1\ntheirs\n"},
    ),
    "driver-not-needed": Row({".gitattributes": b"* merge=here\n", "a": b"1\n"}, {"x": b"x\n"}, {"a": b"2\n"}),
    "driver-that-nobody-defines": Row(
        {".gitattributes": b"a merge=nowhere\n", "a": LINES}, {"a": edited(LINES, 3)}, {"a": edited(LINES, 20)}
    ),
}
CONFLICTS = {
    "renamed-apart": Row(
        {"a": LINES}, {"a": None, "b": LINES}, {"a": None, "c": LINES}, dict.fromkeys("abc", "rename/rename")
    ),
    "rename-add": Row({"a": LINES}, {"a": None, "b": LINES}, {"b": b"other\n"}, {"b": "contents"}),
    "rename-delete": Row({"a": LINES}, {"a": None, "b": LINES}, {"a": None}, {"b": "rename/delete"}),
    "modify-delete": Row({"a": LINES}, {"a": edited(LINES, 3)}, {"a": None}, {"a": "modify/delete"}),
    "add-add": Row({}, {"a": b"ours\n"}, {"a": b"theirs\n"}, {"a": "contents"}),
    "folder-renamed": Row(
        {"old/a": LINES, "old/b": LINES + b"b\n"},
        {"old/a": None, "old/b": None, "new/a": LINES, "new/b": LINES + b"b\n"},
        {"old/c": b"c\n"},
        {"new/c": "directory rename suggested"},
    ),
    "submodule-moved-by-both": Row(
        {"sub": ("160000", SUBMODULE[0])},
        {"sub": ("160000", SUBMODULE[1])},
        {"sub": ("160000", SUBMODULE[2])},
        {"sub": "submodule not initialized"},
    ),
    "symlink-by-both": Row(
        {"link": ("120000", b"a")}, {"link": ("120000", b"b")}, {"link": ("120000", b"c")}, {"link": "contents"}
    ),
    "file-to-symlink": Row({"a": LINES}, {"a": ("120000", b"b")}, {"a": edited(LINES, 3)}, {"a": "distinct modes"}),
    "file-to-folder": Row({"a": LINES}, {"a": None, "a/b": b"b\n"}, {"a": edited(LINES, 3)}, {"a": "file/directory"}),
    "file-and-folder": Row({}, {"p": b"p\n"}, {"p/x": b"x\n"}, {"p": "file/directory"}),
    "modes": Row({}, {"run": ("100755", b"1\n")}, {"run": b"2\n"}, {"run": "contents"}),
    "line-ends": Row(
        {"t": b"1\n2\n3\n4\n"}, {"t": b"1\r\n2\r\n3\r\n4\r\n"}, {"t": b"1\n2\n3\ny\n"}, {"t": "contents"}
    ),
    "union-of-the-branch": Row(
        {"log": b"1\n"},
        {"log": b"1\nours\n"},
        {"log": b"1\ntheirs\n", ".gitattributes": b"log merge=union\n"},
        {"log": "contents"},
    ),
    "never-merged": Row(
        {".gitattributes": b"a -merge\n", "a": LINES},
        {"a": edited(LINES, 3)},
        {"a": edited(LINES, 20)},
        {"a": "binary"},
    ),
    "binary": Row({"b": b"\0" + LINES}, {"b": b"\0x"}, {"b": b"\0y"}, {"b": "binary"}),
    "lfs-pointer": Row(
        {"big": POINTER % (b"0" * 64)},
        {"big": POINTER % (b"1" * 64)},
        {"big": POINTER % (b"2" * 64)},
        {"big": "contents"},
    ),
    "driver": Row(
        {".gitattributes": b"a merge=here\n", "a": LINES},
        {"a": edited(LINES, 3)},
        {"a": edited(LINES, 20)},
        {"a": "merge driver"},
        git_conflicts=False,
    ),
    "driver-that-nobody-defines-conflict": Row(
        {".gitattributes": b"a merge=nowhere\n", "a": LINES},
        {"a": LINES + b"1\n"},
        {"a": LINES + b"2\n"},
        {"a": "merge driver"},
    ),
    "case": Row({}, {"Readme": b"1\n"}, {"README": b"2\n"}, {"README": "name collision"}, git_conflicts=False),
    "case-of-a-folder": Row(
        {}, {"Doc/a": b"1\n"}, {"doc/a": b"2\n", "doc/b": b"3\n"}, {"doc": "name collision"}, git_conflicts=False
    ),
    "accents": Row({}, {COMPOSED: b"1\n"}, {DECOMPOSED: b"2\n"}, {DECOMPOSED: "name collision"}, git_conflicts=False),
}


def commit(branch: str, tree: Tree, start: str = "") -> bytes:
    """One commit for git-fast-import."""
    lines = [b"commit refs/heads/%s\ncommitter Ada <a@b> 1700000000 +0000\ndata 5\nwork\n" % branch.encode()]
    lines += [b"from refs/heads/%s\n" % start.encode()] if start else []
    for path, file in sorted(tree.items(), key=lambda item: item[1] is not None):
        name = f'"{path}"'.encode()
        mode, data = file if isinstance(file, tuple) else ("100644", file)
        if data is None:
            lines.append(b"D %s\n" % name)
        elif mode == "160000":
            lines.append(b"M 160000 %s %s\n" % (data, name))
        else:
            lines.append(b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(data), data))
    return b"".join(lines) + b"\n"


def import_into(box: Sandbox, *commits: bytes) -> None:
    subprocess.run(["git", "fast-import", "--quiet"], cwd=box.path, env=box.env, input=b"".join(commits), check=True)


def three(name: str, row: Row) -> tuple[bytes, ...]:
    base = commit(f"{name}/base", {"file": b"1\n", **row.base})
    return base, *(commit(f"{name}/{side}", getattr(row, side), f"{name}/base") for side in ("ours", "theirs"))


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory, sealed_env: dict[str, str]) -> Sandbox:
    """Every row is three branches with a history of their own: `ROW/base`, `ROW/ours`, `ROW/theirs`."""
    box = Sandbox(tmp_path_factory.mktemp("rows"), sealed_env)
    box.git("init", "-q", "--template=")
    import_into(box, *(one for name, row in (CLEAN | CONFLICTS).items() for one in three(name, row)))
    box.git("config", "merge.here.driver", f"touch {box.path}/driver-was-run")
    box.git("config", "submodule.recurse", "false")
    return box


@pytest.fixture(scope="module")
def bench(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    with Workbench(box.repository, tmp_path_factory.mktemp("bench") / "scratch", box.tip("crlf/ours")) as bench:
        yield bench


def merged(box: Sandbox, bench: Workbench, name: str) -> Merged | Unmerged:
    ours = box.tip(f"{name}/ours")
    bench.stand_on(ours)
    return bench.merge(ours, box.tip(f"{name}/theirs"))


def git_merge(box: Sandbox, name: str) -> str | None:
    """The tree that `git merge` makes in a checkout of the target; None when it conflicts."""
    box.git("checkout", "-q", "-f", "--detach", f"{name}/ours")
    box.git("clean", "-qffdx")
    box.git("merge", "-q", "--no-edit", f"{name}/theirs", check=False)
    tree = None if box.git("ls-files", "--unmerged") else box.git("rev-parse", "HEAD^{tree}")
    box.git("reset", "-q", "--hard")
    return tree


@pytest.mark.parametrize("name", CLEAN)
def test_it_merges_as_git_does(box: Sandbox, bench: Workbench, name: str) -> None:
    assert merged(box, bench, name) == Merged(Oid(git_merge(box, name) or "git conflicts"))


@pytest.mark.parametrize("name", CONFLICTS)
def test_it_is_a_conflict_of_its_kind(box: Sandbox, bench: Workbench, name: str) -> None:
    found, row = merged(box, bench, name), CONFLICTS[name]
    assert isinstance(found, Unmerged)
    assert {path.path: path.kind for path in found.paths} == row.conflicts
    assert not (box.path / "driver-was-run").exists()
    assert (git_merge(box, name) is None) is row.git_conflicts
    (box.path / "driver-was-run").unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["driver", "case", "binary", "submodule-moved-by-both", "file-and-folder"])
def test_integrate_gives_the_branch_back_and_names_the_kind(box: Sandbox, name: str) -> None:
    ran = box.gitbot(
        "integrate", f"{name}/theirs", "--into", f"{name}/ours", "--no-gate", "--dry-run", "--format=json"
    )
    [branch] = ran.document["branches"]
    assert (branch["outcome"], branch["reason"]) == ("set-aside", "conflict")
    assert {path["path"]: path["kind"] for path in branch["conflicts"]} == CONFLICTS[name].conflicts


def test_fifteen_hundred_inexact_renames_are_all_found(sandbox: SandboxMaker, tmp_path: Path) -> None:
    def files(folder: str, *changed: int) -> dict[str, File]:
        return {f"{folder}/{n}": edited(LINES, *changed) + b"%d\n" % n * 9 for n in range(1500)}

    box = sandbox(step("main", {"a": "1\n"}))
    gone: Tree = {f"old/{n}": None for n in range(1500)}
    import_into(box, *three("many", Row(files("old"), {**gone, **files("new", 7)}, files("old", 20))))
    with Workbench(box.repository, tmp_path / "scratch", box.tip("many/ours")) as bench:
        found = merged(box, bench, "many")
        assert isinstance(found, Merged)
        assert bench.repository.read(found.tree, "new/1499") == edited(LINES, 7, 20) + b"1499\n" * 9
        assert len(bench.repository.files(found.tree)) == 1501


@pytest.mark.parametrize("both", [{"a": "A\n"}, {"a": "B\n"}], ids=["clean", "conflict in the bases"])
def test_two_histories_that_merged_each_other_have_two_bases(
    sandbox: SandboxMaker, tmp_path: Path, both: dict[str, str]
) -> None:
    box = sandbox(
        step("main", {"a": "1\n", "b": ["1", "2", "3", "4", "5", "6", "7"]}),
        step("one", {"a": "A\n"}),
        step("two", both),
        step("left", {**both, "l": "l\n"}, start="one", merge="two"),
        step("right", {**both, "r": "r\n"}, start="two", merge="one"),
        step("left", {"b": ["l", "2", "3", "4", "5", "6", "7"]}),
        step("right", {"b": ["1", "2", "3", "4", "5", "6", "r"]}),
    )
    assert len(box.git("merge-base", "--all", "left", "right").split()) == 2
    with Workbench(box.repository, tmp_path / "scratch", box.tip("left")) as bench:
        found = bench.merge(box.tip("left"), box.tip("right"))
    box.git("checkout", "-q", "left")
    box.git("merge", "-q", "--no-edit", "right")
    assert found == Merged(Oid(box.git("rev-parse", "HEAD^{tree}")))


def union(sandbox: SandboxMaker, *, bare: bool = False) -> Sandbox:
    return sandbox(
        step("main", {"log": "1\n"}), step("one", {"log": "1\none\n"}), step("two", {"log": "1\ntwo\n"}), bare=bare
    )


def merge_one_and_two(repository: Repository, scratch: Path) -> Merged | Unmerged:
    tips = [repository.resolve(name) or Oid("") for name in ("one", "two")]
    with Workbench(repository, scratch, tips[0]) as bench:
        return bench.merge(tips[0], tips[1])


@pytest.mark.parametrize("bare", [False, True])
def test_attributes_of_the_repository_itself_count(sandbox: SandboxMaker, tmp_path: Path, bare: bool) -> None:
    box = union(sandbox, bare=bare)
    assert isinstance(merge_one_and_two(box.repository, tmp_path / "scratch"), Unmerged)
    (box.repository.common / "info").mkdir(exist_ok=True)
    (box.repository.common / "info/attributes").write_text("log merge=union\n")
    assert isinstance(merge_one_and_two(box.repository, tmp_path / "scratch"), Merged)


def test_attributes_of_a_landed_branch_count_for_the_next(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = union(sandbox)
    box.git("checkout", "-q", "one")
    (box.path / ".gitattributes").write_text("log merge=union\n")
    box.git("add", ".")
    with Workbench(box.repository, tmp_path / "scratch", box.tip("one")) as bench:
        assert isinstance(bench.merge(box.tip("one"), box.tip("two")), Unmerged)
        box.git("commit", "-qm", "attributes")
        bench.stand_on(box.tip("one"))
        assert isinstance(bench.merge(box.tip("one"), box.tip("two")), Merged)


@pytest.mark.parametrize("kind", ["alternates", "linked work tree", "work tree with its own settings", "bare"])
def test_wherever_the_objects_are_the_answer_is_the_same(sandbox: SandboxMaker, tmp_path: Path, kind: str) -> None:
    box = union(sandbox)
    here = tmp_path / 'a : strange, "quoted" name'
    if kind in ("alternates", "bare"):
        box.git("clone", "-q", "--shared" if kind == "alternates" else "--bare", str(box.path), str(here))
        for name in ("one", "two"):
            box.git("branch", "-f", name, box.tip(name), cwd=here)
    else:
        if kind == "work tree with its own settings":
            box.git("config", "extensions.worktreeConfig", "true")
        box.git("worktree", "add", "-q", "--detach", str(here))
    found = merge_one_and_two(open_repository(here, box.env), tmp_path / "scratch")
    assert isinstance(found, Unmerged)
    assert [path.kind for path in found.paths] == ["contents"]


def test_a_shallow_clone_without_the_base_is_told_to_fetch_more(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = union(sandbox)
    there = Sandbox(tmp_path / "clone", box.env)
    box.git("clone", "-q", "--depth=1", "--no-single-branch", box.path.as_uri(), str(there.path))
    there.git("checkout", "-q", "two")
    ran = there.gitbot("integrate", "origin/one", "--into", "two", "--no-gate", "--format=json")
    [branch] = ran.document["branches"]
    assert [path["kind"] for path in branch["conflicts"]] == ["unrelated histories"]
    assert "git fetch --unshallow" in branch["why"]


def test_a_partial_clone_fetches_nothing_in_the_middle_of_a_merge(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = union(sandbox)
    box.git("config", "uploadpack.allowFilter", "true")
    there = Sandbox(tmp_path / "clone", box.env)
    box.git("clone", "-q", "--filter=blob:none", "--no-checkout", box.path.as_uri(), str(there.path))
    for name in ("one", "two"):
        there.git("branch", "-f", name, f"origin/{name}")
    words = ("rev-list", "--objects", "--missing=print", "one", "two")
    missing = there.git(*words).count("?")
    with pytest.raises(GitError, match="partial clone"):
        merge_one_and_two(there.repository, tmp_path / "scratch")
    ran = there.gitbot("integrate", "two", "--into", "one", "--no-gate", "--format=json")
    [branch] = ran.document["branches"]
    assert (branch["outcome"], branch["conflicts"][0]["kind"]) == ("set-aside", "cannot be merged")
    assert "partial clone" in branch["why"]
    assert there.git(*words).count("?") == missing >= 3


def test_unrelated_histories_are_never_united(sandbox: SandboxMaker, tmp_path: Path) -> None:
    box = union(sandbox)
    orphan = box.git("commit-tree", "-m", "orphan", box.git("rev-parse", "two^{tree}"))
    box.git("branch", "-f", "two", orphan)
    with pytest.raises(GitError, match="no common history"):
        merge_one_and_two(box.repository, tmp_path / "scratch")


def test_references_in_a_table_are_refused_by_name(sandbox: SandboxMaker) -> None:
    box = union(sandbox)
    box.git("config", "core.repositoryFormatVersion", "1")
    box.git("config", "extensions.refStorage", "reftable")
    ran = box.gitbot("integrate", "one", "--no-gate")
    assert ran.code == 2
    assert len(ran.err.splitlines()) <= 2
    assert "refstorage" in ran.err.lower() or "reftable" in ran.err
