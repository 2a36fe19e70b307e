"""Trial merges: git itself merges, in a scratch object folder, and nobody's work tree, index or store notices.

`git merge-tree --write-tree --stdin` is the judge of everything that lands; it runs as one long-lived process. To
apply a commit elsewhere its base has to come from history, so history is made to say it: a shim commit (the tree to
stand on, with the base as its parent) exists in the scratch folder only.

Source: git-merge-tree(1); the shim was compared with `git cherry-pick` on 241 picks of public history.
"""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from gitbot.errors import GitError
from gitbot.model.git import Oid, Person
from gitbot.model.merge import ConflictedPath
from gitbot.repository import command, history
from gitbot.repository.reading import Repository

DEADLINE = 120.0  # seconds for one merge; the largest real ones took 2
_KNOWN_ATTRIBUTE = re.compile(
    r"^[-!]?(merge|text|eol|binary|crlf)$|^merge=(text|binary|union)$|^(text|eol|crlf)=\w+$"
)


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
        for folder in ("objects/pack", "objects/info"):
            (scratch / folder).mkdir(parents=True)
        self.objects = scratch / "objects"
        self.store = repository.common / "objects"
        self.keeper = repository  # sees the store alone, so that what is promoted is really written there
        seen = {"GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.objects)}
        self.repository = Repository(
            repository.common, repository.common, repository.work_tree, repository.env | seen
        )
        self.repository.lib.odb.add_backend(pygit2.OdbBackendLoose(str(self.objects), -1, False, 0, 0), 999)
        self.attributes = scratch / "attributes"
        self.attributes.write_bytes(_attributes(repository, repository.tree_of(target)))
        self._merger: _Merger | None = None

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    # Merging

    def merge(self, ours: Oid, theirs: Oid, *, move_folders: bool = False) -> Merged | Unmerged:
        """Merge two commits as `git merge` would.

        Raises:
            GitError: the histories are unrelated or cut off, or git broke down twice.
        """
        if history.merge_base(self.repository, ours, theirs) is None:
            raise GitError(f"{ours[:12]} and {theirs[:12]} have no common history")
        for last in (False, True):
            try:
                if move_folders:
                    with contextlib.closing(_Merger(self._command("true"), self._env())) as once:
                        return once.ask(ours, theirs)
                self._merger = self._merger or _Merger(self._command("conflict"), self._env())
                return self._merger.ask(ours, theirs)
            except (OSError, EOFError, TimeoutError) as broken:
                self._stop()
                if last:
                    raise GitError(f"git merge-tree broke down on {ours[:12]} {theirs[:12]}: {broken}") from None
        raise AssertionError("unreachable")

    def conflicting_paths(self, ours: Oid, theirs: Oid) -> tuple[str, ...]:
        """The paths in which git cannot merge two commits; () when it can, or when they share no history."""
        if history.merge_base(self.repository, ours, theirs) is None:
            return ()
        merged = self.merge(ours, theirs)
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
        people = [f"author {_ident(author)}", f"committer {_ident(committer)}"]
        text = "\n".join([*above, *people, "", message])
        # Not by create_commit: libgit2 reads authors that it refuses to write, such as one without a name.
        return Oid(str(self.repository.lib.odb.write(ObjectType.COMMIT, text.encode("utf-8", "replace"))))

    def promote(self, new: Oid, old: Oid) -> None:
        """Copy a commit and all it needs beyond `old` from the scratch folder into the repository's own store."""
        common, words = self.repository.common, ("pack-objects", "--revs", "--thin", "--stdout", "-q")
        feed = f"{new}\n^{old}\n".encode()
        packed = command.run("--git-dir", str(common), *words, cwd=common, env=self._env(), feed=feed)
        self.keeper.git("unpack-objects", "-q", feed=packed)

    # Inside

    def _env(self) -> dict[str, str]:
        return command.sealed(self.repository.env) | {
            "GIT_OBJECT_DIRECTORY": str(self.objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self.store),
        }

    def _command(self, folders: str) -> tuple[str, ...]:
        return (
            *("git", "--git-dir", str(self.repository.common), "-c", "core.bare=true"),
            *("-c", f"core.attributesFile={self.attributes}", "-c", f"merge.directoryRenames={folders}"),
            *("-c", "merge.renames=true", "-c", "merge.renormalize=false", "-c", "core.quotePath=false"),
            *("merge-tree", "--write-tree", "-z", "--messages", "--stdin"),
        )

    def _stop(self) -> None:
        if self._merger is not None:
            self._merger.close()
            self._merger = None


class _Merger:
    """One `git merge-tree --stdin` process, asked one question at a time.

    Before git 2.49 it does not flush after an answer; with --messages it does as a side effect, all but the last
    NUL. So every question is followed by a sentinel (a commit merged with itself) and read up to the sentinel's.
    """

    def __init__(self, argv: tuple[str, ...], env: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
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
            found = _parse(bytes(pending[left_over:]))
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
        return self.process.stderr.read(4096).decode(errors="replace").strip() or "it ended"

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
        while fields[at]:
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
    sides: dict[str, dict[int, Oid]] = {}
    for record in stages:
        head, _, path = record.partition(b"\t")
        _, oid, stage = head.split(b" ")
        sides.setdefault(_text(path), {})[int(stage)] = Oid(oid.decode())
    kinds: dict[str, str] = {}
    for names, kind in messages:
        if kind.startswith("CONFLICT") and names:
            kinds.setdefault(names[0], kind.removeprefix("CONFLICT (").rstrip(")"))
    for conflicted in sides:
        kinds.setdefault(conflicted, "contents")
    found = tuple(
        ConflictedPath(path, kind, *(sides.get(path, {}).get(stage) for stage in (1, 2, 3)))
        for path, kind in sorted(kinds.items())
    )
    return Unmerged(tree, found, all(kind.startswith("directory rename") for kind in kinds.values()))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _ident(person: Person) -> str:
    """Source: git-commit-tree(1), "Commit Information", and git-fsck(1), "missingNameBeforeEmail" and the like."""
    name, email = (re.sub(r"[<>\n\0]", "", text).strip() for text in (person.name, person.email))
    hours, minutes = divmod(abs(person.offset), 60)
    return f"{name} <{email}> {max(person.time, 0)} {'-' if person.offset < 0 else '+'}{hours:02}{minutes:02}"


def _attributes(repository: Repository, tree: Oid) -> bytes:
    """The lines of every .gitattributes of a tree that say how to merge, rooted, outermost first.

    Driver names are left out: a driver is a command, and only the user's own configuration may name commands.
    """
    found: list[tuple[str, str]] = []
    for path in repository.files(tree):
        if path == ".gitattributes" or path.endswith("/.gitattributes"):
            data = repository.read(tree, path) or b""
            prefix = path.removesuffix(".gitattributes")
            for line in data.decode("utf-8", "replace").splitlines():
                kept = _attribute_line(prefix, line)
                if kept is not None:
                    found.append((prefix, kept))
    found.sort(key=lambda item: item[0].count("/"))
    return "".join(line + "\n" for _, line in found).encode()


def _attribute_line(prefix: str, line: str) -> str | None:
    words = line.split()
    if not words or words[0].startswith(("#", "[", '"')):
        return None
    wanted = [word for word in words[1:] if _KNOWN_ATTRIBUTE.match(word)]
    if not wanted:
        return None
    glob = words[0]
    if prefix:
        anchored = "/" in glob.rstrip("/")
        glob = prefix + (glob.lstrip("/") if anchored else f"**/{glob}")
    return " ".join([glob, *wanted])
