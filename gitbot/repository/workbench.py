"""Trial merges: git itself merges, in a scratch object folder, and nobody's work tree, index or store notices.

`git merge-tree --write-tree --stdin` is the judge of everything that lands; it runs as one long-lived process. To
apply a commit elsewhere its base has to come from history, so history is made to say it: a shim commit (the tree to
stand on, with the base as its parent) exists in the scratch folder only.

The scratch folder is a repository of its own: of the user's it sees the objects, where a shallow history ends and
info/attributes, but no configuration, so that no setting bends a merge and nothing is fetched in the middle of one.

Source: git-merge-tree(1); the shim was compared with `git cherry-pick` on 241 picks of public history.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from gitbot import workers
from gitbot.errors import GitError
from gitbot.model.git import Oid, Person
from gitbot.model.merge import ConflictedPath
from gitbot.repository import collisions, command, history
from gitbot.repository.reading import LONGEST_PATH, Repository
from gitbot.repository.target import Target
from gitbot.workers import Answer, Value

MEMORY = 4 << 30  # bytes of address space for git on a stranger's patch, whose deltas can stand for any number
FEWEST = 8  # merges, or looks at a branch, for one process
DEADLINE = 120.0  # seconds for one merge; the largest real ones took 2
_ATTRIBUTES = re.compile(rb"(?:\A|\0)100\d{3} blob ([0-9a-f]{40})\t((?:[^\0]*/)?)\.gitattributes(?=\0)")
_NO_DRIVER = ("unspecified", "set", "unset", "text", "binary", "union")  # what the attribute `merge` may be else
_SENTINEL = re.compile(rb"\0[01]\0[0-9a-f]{40}\0+\Z")
_SETTINGS = """[core]
\trepositoryFormatVersion = 0
\tattributesFile = /dev/null
[merge]
\trenames = true
"""


@dataclass(frozen=True, slots=True)
class Merged:
    """git merged without a conflict."""

    tree: Oid


@dataclass(frozen=True, slots=True)
class Unmerged:
    """git met conflicts. `frame` holds marker text: never land it, only replace paths in it."""

    frame: Oid
    paths: tuple[ConflictedPath, ...]
    renamed_folder: bool  # git suggests to move files along with a renamed folder, and nothing else conflicts


class Workbench:
    """A scratch object folder and the git process that merges in it; a context manager."""

    def __init__(self, repository: Repository, scratch: Path, target: Oid) -> None:
        """`target`'s .gitattributes count in merges, never a branch's: it could give itself merge=ours."""
        self.scratch = scratch
        shutil.rmtree(scratch, ignore_errors=True)
        for folder in ("objects/pack", "objects/info", "refs", "info", "files"):
            (scratch / folder).mkdir(parents=True)
        self.objects = scratch / "objects"
        self.store = repository.common / "objects"
        self.keeper = repository  # sees the store alone, so that what is promoted is really written there
        seen = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(self.objects)}
        self.repository = Repository(
            repository.common, repository.common, repository.work_tree, repository.env | seen
        )
        self.repository.lib.odb.add_backend(pygit2.OdbBackendLoose(str(self.objects), -1, False, 0, 0), 999)
        self._tree = repository.tree_of(target)
        self._files = scratch / "files"  # the .gitattributes of that tree, once they are needed
        self._prepared = False
        self._drivers = False  # whether they name merge drivers
        self._merger: _Merger | None = None
        self._process = os.getpid()
        self._kept: set[Oid] = set()  # what was promoted
        self._target: Target | None = None
        (scratch / "HEAD").write_text("ref: refs/heads/none\n")
        for name in ("shallow", "info/attributes"):
            if (repository.common / name).is_file():
                shutil.copyfile(repository.common / name, scratch / name)

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # Merging

    def merge(self, ours: Oid, theirs: Oid, *, move_folders: bool = False) -> Merged | Unmerged:
        """Merge two commits as `git merge` would, but for two things that only conflict here.

        A merge driver is a command, so it is not run; and two names that are one to a file system that knows no
        case must not come together by a merge, since a checkout there would lose a file.

        Raises:
            GitError: the histories are unrelated or cut off, or git broke down twice.
        """
        merged = self._ask(ours, theirs, move_folders=move_folders)
        tree, paths = (merged.tree, ()) if isinstance(merged, Merged) else (merged.frame, merged.paths)
        if self._drivers:
            paths = tuple(self._driven(paths))
        colliding = collisions.between(self.repository, ours, theirs, tree)
        if colliding or paths:
            return Unmerged(tree, paths + colliding, isinstance(merged, Unmerged) and merged.renamed_folder)
        return merged

    def _ask(self, ours: Oid, theirs: Oid, *, move_folders: bool) -> Merged | Unmerged:
        if self._process != os.getpid():  # git still speaks with the process that this one is a fork of
            self._merger, self._process = None, os.getpid()
        for last in (False, True):
            try:
                if move_folders:
                    with contextlib.closing(self._open("true")) as once:
                        return once.ask(ours, theirs)
                self._merger = self._merger or self._open("conflict")
                return self._merger.ask(ours, theirs)
            except (OSError, EOFError, TimeoutError) as broken:
                self._stop()
                if history.merge_base(self.repository, ours, theirs) is None:
                    raise GitError(f"{ours[:12]} and {theirs[:12]} have no common history") from None
                if last:
                    more = "; fetch what this partial clone lacks" if self.keeper.is_partial else ""
                    words = f"git cannot merge {ours[:12]} and {theirs[:12]}: {broken}"
                    raise command.failure(f"{words}{more}") from None
        raise AssertionError("unreachable")

    def answers(self, function: Callable[[Value], Answer], values: Sequence[Value]) -> list[Answer]:
        """What a function that merges here says of each value: several processes ask, each has its own git."""
        if not self._prepared:
            self._prepare()
        packed = workers.answers(lambda value: pickle.dumps(function(value)), values, list[bytes], FEWEST)
        return list(map(pickle.loads, packed))

    def stand_on(self, target: Oid) -> None:
        """From here on the .gitattributes of this commit count."""
        before, self._tree = self._tree, self.repository.tree_of(target)
        if any(path.endswith(".gitattributes") for path in self.repository.changed_paths(before, self._tree)):
            self._stop()
            self._prepared = False

    def target(self, onto: Oid) -> Target:
        """A commit to compare branches with; what is known of the one before counts where it stands on that."""
        if self._target is None or not self._target.follow(onto):
            self._target = Target(self.repository, onto)
        return self._target

    def conflicting_paths(self, ours: Oid, theirs: Oid) -> tuple[str, ...]:
        """The paths in which git cannot merge two commits; () when it can, (".",) when it cannot even begin to."""
        try:
            merged = self.merge(ours, theirs)
        except GitError:
            return (".",)
        return tuple(path.path for path in merged.paths) if isinstance(merged, Unmerged) else ()

    def pick(self, base: Oid, tip: Oid, onto: Oid) -> Merged | Unmerged:
        """Apply what `tip` changed since its ancestor `base` to the tree of the commit `onto`."""
        return self.merge(self.shim(self.repository.tree_of(onto), base, tip), tip)

    def shim(self, tree: Oid, base: Oid, tip: Oid) -> Oid:
        """A commit that never leaves the scratch folder: `tree` as if it had been made on `base`.

        Its date is the latest of all: with an early one git's search for the base walks all history first.
        """
        latest = max(self.repository.commit(base).committer.time, self.repository.commit(tip).committer.time)
        nobody = Person("gitbot", "gitbot@localhost", latest + 1, 0)
        return self.write_commit(tree, (base,), nobody, nobody, "shim\n")

    def marked(self, base: bytes, ours: bytes, theirs: bytes, size: int) -> bytes | None:
        """The text with zdiff3 markers of `size`, as git writes it; None when git takes it for binary."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
                Path(folder, name).write_bytes(data)
            done = command.attempt(
                *("merge-file", "-p", "-q", "--zdiff3", f"--marker-size={size}", "ours", "base", "theirs"),
                cwd=Path(folder),
                env=self._env(),
            )
        return done.stdout if 0 <= done.returncode < 128 else None

    # Writing, into the scratch folder only

    def write_commit(
        self, tree: Oid, parents: tuple[Oid, ...], author: Person, committer: Person, message: str
    ) -> Oid:
        """A commit, in UTF-8; the same arguments give the same oid."""
        above = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        people = [f"author {ident(author)}", f"committer {ident(committer)}"]
        text = "\n".join([*above, *people, "", message])
        # Not by create_commit: libgit2 reads authors that it refuses to write, such as one without a name.
        return Oid(str(self.repository.lib.odb.write(ObjectType.COMMIT, text.encode("utf-8", "replace"))))

    def git(self, *arguments: str, feed: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        """Run git on the scratch folder, with an index of its own, and with so much memory and no more."""
        words = ("-c", "core.packedGitWindowSize=32m", "-c", "core.packedGitLimit=256m", *arguments)
        return command.attempt(*words, cwd=self._files, env=self._env(), feed=feed, memory=MEMORY)

    def promote(self, new: Oid) -> None:
        """Copy a commit and all that it needs from the scratch folder into the repository's own store."""
        needed, seen = [new], {new}
        for named in needed:
            for oid in self.repository.named_in(named):
                path = f"{self.objects}/{oid[:2]}/{oid[2:]}"
                if oid not in seen and oid not in self._kept and os.path.exists(path):
                    seen.add(oid)
                    needed.append(oid)
        for oid in reversed(needed):
            self.keeper.lib.odb.write(*self.repository.lib.odb.read(oid))
        self._kept |= seen

    # Inside

    def _env(self) -> dict[str, str]:
        return command.sealed(self.repository.env) | {
            "GIT_DIR": str(self.scratch),
            "GIT_WORK_TREE": str(self._files),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(self.store),
        }

    def _open(self, folders: str) -> _Merger:
        if not self._prepared:
            self._prepare()
        words = (
            "-c",
            f"merge.directoryRenames={folders}",
            "merge-tree",
            "--write-tree",
            "-z",
            "--messages",
            "--stdin",
        )
        return _Merger(("git", *words), self._files, self._env())

    def _prepare(self) -> None:
        """Give git the target's .gitattributes as files, and a command that fails for every driver of the user's."""
        shutil.rmtree(self._files)
        self._files.mkdir()
        texts = (
            [(self.scratch / "info/attributes").read_bytes()] if (self.scratch / "info/attributes").exists() else []
        )
        for oid, folder in _ATTRIBUTES.findall(self.repository.git("ls-tree", "-r", "-z", "--full-tree", self._tree)):
            # A tree may hold names that no checkout would make.
            if len(folder) < LONGEST_PATH // 2 and not {b"", b".", b".."} & set(folder.split(b"/")[:-1]):
                texts.append(self.repository.blob(Oid(oid.decode())))
                with contextlib.suppress(OSError):
                    (self._files / os.fsdecode(folder)).mkdir(parents=True, exist_ok=True)
                    (self._files / os.fsdecode(folder) / ".gitattributes").write_bytes(texts[-1])
        self._drivers = any(b"merge=" in text for text in texts)
        listed = self.keeper.attempt("config", "-z", "--name-only", "--get-regexp", r"^merge\..*\.driver$").stdout
        names = {_text(key)[len("merge.") : -len(".driver")] for key in listed.split(b"\0") if key}
        failing = (f"[merge {quoted(name)}]\n\tdriver = false\n" for name in sorted(names))
        (self.scratch / "config").write_bytes(os.fsencode(_SETTINGS + "".join(failing)))
        self._prepared = True

    def _driven(self, paths: tuple[ConflictedPath, ...]) -> Iterator[ConflictedPath]:
        """The same, each for which the target names a driver with the word of it."""
        feed = b"".join(os.fsencode(path.path) + b"\0" for path in paths)
        words = ("check-attr", "-z", "--stdin", "merge")
        said = command.run(*words, cwd=self._files, env=self._env(), feed=feed).split(b"\0")[2::3]
        for path, driver in zip(paths, map(_text, said), strict=True):
            named = path.kind == "contents" and driver not in _NO_DRIVER
            why = f"the merge driver {driver} is not run: a driver is a command"
            yield replace(path, kind="merge driver", refused=why) if named else path

    def _stop(self) -> None:
        if self._merger is not None:
            self._merger.close()
            self._merger = None


class _Merger:
    """One `git merge-tree --stdin` process, asked one question at a time.

    Before git 2.49 it does not flush after an answer; with --messages it does as a side effect, all but the last
    NUL. So every question is followed by a sentinel (a commit merged with itself) and read up to the sentinel's.
    """

    def __init__(self, argv: tuple[str, ...], cwd: Path, env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.fresh = True

    def ask(self, ours: Oid, theirs: Oid) -> Merged | Unmerged:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{ours} {theirs}\n{ours} {ours}\n".encode())
        self.process.stdin.flush()
        deadline = time.monotonic() + DEADLINE
        left_over = 0 if self.fresh else 1  # the last NUL of the sentinel before
        pending = bytearray()
        while True:
            found = _parse(bytes(pending[left_over:])) if _SENTINEL.search(pending[-64:]) else None
            if found is not None:
                self.fresh = False
                return found
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer within {DEADLINE:.0f} seconds")
            more = os.read(self.process.stdout.fileno(), 1 << 20)
            if not more:
                raise EOFError(self._last_words())
            pending += more

    def _last_words(self) -> str:
        assert self.process.stderr is not None
        # Not until its end: a process that git left behind may hold it open.
        ready, _, _ = select.select([self.process.stderr], [], [], 1.0)
        said = os.read(self.process.stderr.fileno(), 4096) if ready else b""
        return said.decode(errors="replace").strip() or "it ended"

    def close(self) -> None:
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self.process.kill()
        self.process.wait()


def _parse(text: bytes) -> Merged | Unmerged | None:
    """One answer followed by the sentinel's (without its last NUL), or None while it is not all there.

    Source: git-merge-tree(1), "INPUT FORMAT" and "OUTPUT"; with --stdin the status is 1 for a clean merge.
    """
    fields = text.split(b"\0")[:-1]  # what follows the last NUL is not complete
    try:
        status, tree = fields[0], Oid(fields[1].decode())
        at = 2
        stages: list[bytes] = []
        while fields[at]:
            stages.append(fields[at])
            at += 1
        at += 1
        messages: list[tuple[tuple[str, ...], str]] = []
        while fields[at].isdigit():  # git's advice on submodules comes in place of the empty field at the end
            count = int(fields[at])
            paths = tuple(_text(field) for field in fields[at + 1 : at + 1 + count])
            messages.append((paths, _text(fields[at + 1 + count])))
            _ = fields[at + 2 + count]  # the sentence for people must be there too
            at += count + 3
        _ = fields[at + 3]  # the sentinel: status, tree, end of its stages
    except IndexError:
        return None
    return Merged(tree) if status == b"1" else _unmerged(tree, stages, messages)


def _unmerged(tree: Oid, stages: list[bytes], messages: list[tuple[tuple[str, ...], str]]) -> Unmerged:
    conflicts = [
        (names, kind.removeprefix("CONFLICT (").rstrip(")"))
        for names, kind in messages
        if kind.startswith("CONFLICT")
    ]
    # git moves a file aside, to `a~COMMIT`, where the other side has something else at `a`.
    aside = {
        long: short
        for names, kind in conflicts
        for long in names
        for short in names
        if kind in ("file/directory", "distinct modes") and long.startswith(f"{short}~")
    }
    sides: dict[str, dict[int, Oid]] = {}
    for record in stages:
        head, _, name = record.partition(b"\t")
        _, oid, stage = head.split(b" ")
        path = aside.get(_text(name), _text(name))
        sides.setdefault(path, {})[int(stage)] = Oid(oid.decode())
    kinds: dict[str, str] = {}
    for names, kind in conflicts:
        for path in dict.fromkeys(aside.get(name, name) for name in names):
            if path in sides or names[0] == path:
                kinds.setdefault(path, kind)
    for path in sides:
        kinds.setdefault(path, "contents")
    found = tuple(
        ConflictedPath(path, kind, *(sides.get(path, {}).get(stage) for stage in (1, 2, 3)))
        for path, kind in sorted(kinds.items())
    )
    return Unmerged(tree, found, all(kind.startswith("directory rename") for kind in kinds.values()))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def ident(person: Person) -> str:
    """Source: git-commit-tree(1), "Commit Information", and git-fsck(1), "missingNameBeforeEmail" and the like."""
    name, email = (re.sub(r"[<>\n\0]", "", text).strip() for text in (person.name, person.email))
    hours, minutes = divmod(abs(person.offset), 60)
    return f"{name} <{email}> {max(person.time, 0)} {'-' if person.offset < 0 else '+'}{hours:02}{minutes:02}"


def in_quarantine(repository: Repository, folder: Path) -> Repository:
    """The repository with what a push has brought, which git keeps in a folder until the hooks have agreed to it.

    git is told of the folder as one to read from only, so that nothing can get in there by what is asked.
    """
    seen = repository.env | {"GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(folder)}
    found = Repository(repository.git_dir, repository.common, repository.work_tree, seen)
    found.lib.odb.add_disk_alternate(str(folder))
    return found


def quoted(text: Path | str) -> str:
    """As git reads a text in quotation marks, in a list of paths and in its configuration."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
