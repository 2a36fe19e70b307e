"""What is in a repository: commits, trees, blobs and where its folders are. Nothing here writes."""

from __future__ import annotations

import codecs
import os
import re
import stat
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence, Sized
from functools import cached_property
from pathlib import Path
from typing import Generic, TypeVar

import pygit2
from pygit2.enums import DiffOption, ObjectType

from gitbot.errors import GitError, NoIdentityError, NoRepositoryError, UnsupportedRepositoryError
from gitbot.model.git import ZERO, Change, ChangeKind, Commit, Oid, Person, RefName
from gitbot.repository import command

GITLINK = 0o160000
SYMLINK = 0o120000
TREE = 0o040000
LONGEST_PATH = 4096  # bytes
MOST_KNOWN = 4096  # commits kept as read; a run looks at the newest ones of the target again for every branch
KEPT_CHANGES = 20_000  # over all comparisons kept: a run asks for each branch's own many times
KEPT_NAMES = 20_000  # over all folders kept: every branch is compared with the same target
MOST_CHANGES = 2_000_000  # between two trees; a few small trees that hold each other can stand for any number
_WHOLE = re.compile(rb"[0-7]{5,6} [^\0]+\0.{20}", re.DOTALL)
_LISTING = re.compile(rb"(?:%s)*" % _WHOLE.pattern, re.DOTALL)
_ENTRY = re.compile(rb"([0-7]{5,6}) ([^\0]+)\0(.{20})", re.DOTALL)
_Kind = TypeVar("_Kind", pygit2.Blob, pygit2.Commit, pygit2.Tree)
_Key = TypeVar("_Key", bound=Hashable)
_Found = TypeVar("_Found", bound=Sized)
_HEADER = re.compile(r"^(?:tree|parent) ([0-9a-f]{40})$", re.MULTILINE)
_Side = tuple[bytes, bytes]  # mode and raw object id of a tree's entry
_PYTHONS_OWN = frozenset({"idna", "punycode", "raw-unicode-escape", "unicode-escape"})  # encodings unknown to git


class Repository:
    """One repository, seen from one of its work trees or bare.

    `git_dir` is that work tree's own, `common` the one all work trees share, `work_tree` None in a bare
    repository. `env` is the environment for git (`command.surrounding`).
    """

    def __init__(self, git_dir: Path, common: Path, work_tree: Path | None, env: Mapping[str, str]) -> None:
        self.git_dir = git_dir
        self.common = common
        self.work_tree = work_tree
        self.env = dict(env)
        self._commits: OrderedDict[Oid, Commit] = OrderedDict()
        self._changes = _Kept[tuple[Oid | None, Oid], tuple[Change, ...]](KEPT_CHANGES)
        self._listings = _Kept[pygit2.Oid, frozenset[bytes]](KEPT_NAMES)
        self.beside: dict[Oid, set[str]] = {}  # by commit: its children and the branches that stand on it
        self.replaced: frozenset[RefName] = frozenset()  # references that are about to hold something else

    @cached_property
    def lib(self) -> pygit2.Repository:
        """libgit2's handle, for this room only."""
        try:
            return pygit2.Repository(str(self.common))
        except (pygit2.GitError, KeyError, ValueError) as refused:
            raise UnsupportedRepositoryError(f"{self.common}: {refused}") from None

    @property
    def main_work_tree(self) -> Path | None:
        """The folder of the main work tree; None when there is none, as in a bare repository."""
        folder = self.lib.workdir
        return Path(folder) if folder is not None and Path(folder).is_dir() else None

    def git(self, *arguments: str, feed: bytes | None = None) -> bytes:
        """Run git in this repository with the user's own configuration."""
        return command.run("--git-dir", str(self.git_dir), *arguments, cwd=self.common, env=self.env, feed=feed)

    def attempt(
        self, *arguments: str, feed: bytes | None = None, held: Collection[int] = ()
    ) -> subprocess.CompletedProcess[bytes]:
        """The same where another end than 0 is an answer too; `held` as in `command.attempt`."""
        where = ("--git-dir", str(self.git_dir))
        return command.attempt(*where, *arguments, cwd=self.common, env=self.env, feed=feed, held=held)

    @property
    def is_empty(self) -> bool:
        """Whether no branch has a commit yet."""
        return not any(self.lib.references.iterator())

    @property
    def is_partial(self) -> bool:
        """Whether it is a partial clone: some contents were never fetched."""
        return self.attempt("config", "--get-regexp", r"^remote\..*\.promisor$").returncode == 0

    # Objects

    def commit(self, oid: Oid) -> Commit:
        """The commit named by `oid`; a tag is followed.

        Raises:
            GitError: no such commit here.
        """
        known = self._commits.get(oid)
        if known is not None:
            return known
        found = self._get(oid, pygit2.Commit)
        encoding = _encoding(found)
        commit = Commit(
            oid=Oid(str(found.id)),
            tree=Oid(str(found.tree_id)),
            parents=tuple(Oid(str(parent)) for parent in found.parent_ids),
            author=_person(found.author, encoding),
            committer=_person(found.committer, encoding),
            message=_decoded(found.raw_message, encoding),
        )
        self._commits[oid] = commit
        if len(self._commits) > MOST_KNOWN:
            self._commits.popitem(last=False)
        return commit

    def tree_of(self, commit: Oid) -> Oid:
        """The tree of a commit."""
        return Oid(str(self._get(commit, pygit2.Commit).tree_id))

    def blob(self, oid: Oid) -> bytes:
        """The bytes of a blob."""
        return self._get(oid, pygit2.Blob).data

    def blob_diff(self, old: Oid | None, new: Oid) -> str:
        """The unified diff of two blobs (None: the empty one), without context; of binary ones without hunks."""
        sides = (self.blob(old) if old is not None else b"", self.blob(new))
        return pygit2.Patch.create_from(*sides, context_lines=0).data.decode("utf-8", "replace")

    def raw(self, oid: Oid) -> bytes:
        """The bytes of any object as git stores them, header left out."""
        try:
            return bytes(self.lib.odb.read(pygit2.Oid(hex=oid))[1])
        except (KeyError, ValueError, pygit2.GitError):
            raise GitError(f"object {oid[:12]} is not in this repository") from None

    def entry(self, tree: Oid, path: str) -> tuple[Oid, int] | None:
        """Object and mode of a path in a tree; None when nothing is there."""
        try:
            item = self._tree(tree)[path]
        except (KeyError, ValueError):
            return None
        return Oid(str(item.id)), int(item.filemode)

    def named_in(self, oid: Oid) -> Iterator[Oid]:
        """The objects that a commit or a tree names itself."""
        kind, data = self.lib.odb.read(pygit2.Oid(hex=oid))
        if kind == ObjectType.TREE:
            yield from (Oid(raw.hex()) for _, _, raw in _ENTRY.findall(data))
        elif kind == ObjectType.COMMIT:
            yield from map(Oid, _HEADER.findall(data.partition(b"\n\n")[0].decode("latin-1")))

    def names(self, tree: Oid, folder: str) -> tuple[str, ...]:
        """What lies in a folder (`src/`, or `` for the top) of a tree; () when it is no folder."""
        found = self.entry(tree, folder.rstrip("/")) if folder else (tree, TREE)
        inside = self._listing(pygit2.Oid(hex=found[0])) if found is not None and found[1] == TREE else frozenset()
        return tuple(name.decode("utf-8", "surrogateescape") for name in _differing(frozenset(), inside))

    def read(self, tree: Oid, path: str, *, most: int | None = None, fetch: bool = False) -> bytes | None:
        """The bytes of a regular file in a tree; None when there is none, or when it has more than `most`.

        `fetch`: what a partial clone lacks git asks its remote for, as it does in all of its own commands.
        """
        found = self.entry(tree, path)
        if found is None or found[1] in (TREE, GITLINK, SYMLINK):
            return None
        if most is not None and self.size(found[0]) > most:
            return None
        if fetch and not self.has(found[0]) and self.is_partial:
            self.attempt("cat-file", "-e", found[0])
        return self.blob(found[0])

    def size(self, oid: Oid) -> int:
        """How many bytes an object has."""
        try:
            return int(self.lib.odb.read_header(pygit2.Oid(hex=oid))[1])
        except (KeyError, ValueError, pygit2.GitError):
            raise GitError(f"object {oid[:12]} is not in this repository") from None

    def files(self, tree: Oid) -> tuple[str, ...]:
        """Every path in a tree, submodules and links included, sorted as git sorts them."""
        listed = self.git("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree)
        return tuple(name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name)

    def links(self, tree: Oid) -> dict[str, str]:
        """Every symbolic link in a tree with what is written in it; a text longer than a path is left out."""
        listed = self.git("ls-tree", "-r", "-z", "--full-tree", tree)
        found = (entry.partition(b"\t") for entry in listed.split(b"\0") if entry.startswith(b"120000 "))
        texts = ((name, self.blob(Oid(about[-40:].decode()))) for about, _, name in found)
        return {
            name.decode("utf-8", "surrogateescape"): text.decode("utf-8", "surrogateescape")
            for name, text in texts
            if len(text) < LONGEST_PATH
        }

    def changes(self, old: Oid | None, new: Oid) -> tuple[Change, ...]:
        """What differs between two trees, or those of two commits, sorted by path; `old` None is the empty tree.

        A rename is a deletion and an addition here: both names count. Subtrees with one oid are skipped unread,
        so the cost grows with the change and not with the tree.
        """
        return self._changes.get((old, new), lambda: self._compare(old, new))

    def _compare(self, old: Oid | None, new: Oid) -> tuple[Change, ...]:
        found: list[Change] = []
        top = (None if old is None else self._tree(old).id, self._tree(new).id)
        left: list[tuple[bytes, Sequence[pygit2.Oid | None]]] = [(b"", top)]
        while left:
            folder, trees = left.pop()
            before, after = map(self._listing, trees)
            if len(folder) > LONGEST_PATH or len(found) > MOST_CHANGES:
                raise GitError(f"tree {new[:12]} cannot be compared: it holds more than any checkout could")
            for name, sides in _differing(before, after).items():
                inner = [pygit2.Oid(raw=side[1]) if side and _kind(side) == TREE else None for side in sides]
                if any(inner):
                    left.append((folder + name + b"/", inner))
                change = _change(folder + name, *(None if _kind(side) == TREE else side for side in sides))
                if change is not None:
                    found.append(change)
        return tuple(sorted(found, key=lambda change: change.path))

    def _listing(self, tree: pygit2.Oid | None) -> frozenset[bytes]:
        """A tree's entries, from its own bytes: libgit2's diff takes ten times as long."""
        return self._listings.get(tree, lambda: self._read_listing(tree)) if tree is not None else frozenset()

    def _read_listing(self, tree: pygit2.Oid) -> frozenset[bytes]:
        data = self.raw(Oid(str(tree)))
        if _LISTING.fullmatch(data) is None:
            raise GitError(f"tree {str(tree)[:12]} is damaged")
        return frozenset(_WHOLE.findall(data))

    def changed_paths(self, old: Oid | None, new: Oid) -> frozenset[str]:
        """The paths of these changes."""
        return frozenset(change.path for change in self.changes(old, new))

    def diff(self, old: Oid | None, new: Oid, *, context: int = 3) -> pygit2.Diff:
        """libgit2's own, for this room only; `old` None is the empty tree."""
        kind, right = DiffOption.INCLUDE_TYPECHANGE, self._tree(new)
        try:
            if old is None:
                return right.diff_to_tree(flags=kind, context_lines=context, swap=True)
            return self._tree(old).diff_to_tree(right, kind, context, 0)
        except pygit2.GitError as refused:
            raise GitError(f"tree {new[:12]} cannot be compared: {refused}") from None

    def _get(self, oid: Oid, kind: type[_Kind]) -> _Kind:
        try:
            found = self.lib.get(oid)
        except (ValueError, pygit2.GitError):
            found = None
        if found is None:
            raise GitError(f"object {oid[:12]} is not in this repository")
        try:
            return found.peel(kind)
        except (ValueError, pygit2.GitError):
            raise GitError(f"{oid[:12]} is no {kind.__name__.lower()}") from None

    def _tree(self, oid: Oid) -> pygit2.Tree:
        return self._get(oid, pygit2.Tree)

    # Names

    def resolve(self, name: str) -> Oid | None:
        """The commit that a revision names (`main`, `HEAD~2`, an abbreviated oid), or None."""
        if not name or name.startswith("-"):
            return None
        done = self.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", name + "^{commit}")
        return Oid(done.stdout.decode().strip()) if done.returncode == 0 else None

    def has(self, oid: Oid) -> bool:
        """Whether an object is here, asked without starting git."""
        return oid in self.lib

    def setting(self, name: str) -> str | None:
        """One value of git's configuration, or None."""
        done = self.attempt("config", "--get", name)
        return done.stdout.decode(errors="replace").rstrip("\n") if done.returncode == 0 else None

    def identity(self) -> tuple[str, str]:
        """Name and e-mail that git would write commits with.

        Raises:
            NoIdentityError: neither configured nor given.
        """
        done = self.attempt("var", "GIT_COMMITTER_IDENT")
        name, open_bracket, rest = done.stdout.decode(errors="replace").partition(" <")
        email = rest.partition(">")[0]
        if done.returncode != 0 or not open_bracket or not name or not email:
            raise NoIdentityError(
                "git does not know who you are, and gitbot writes commits in your name",
                hint='git config --global user.name "…" and git config --global user.email "…"',
            )
        return name, email


def open_repository(path: Path, env: Mapping[str, str]) -> Repository:
    """The repository that `path` is in, or that GIT_DIR and GIT_WORK_TREE name; `env` is the caller's environment.

    Raises:
        UnsupportedRepositoryError: none there, git is too old, or sha256 or reftable is used.
    """
    clean = command.surrounding(env)
    located = clean | {name: env[name] for name in ("GIT_DIR", "GIT_WORK_TREE") if env.get(name)}
    if not path.is_dir():
        raise UnsupportedRepositoryError(f"{path}: no such folder")
    words = ("--absolute-git-dir", "--git-common-dir", "--is-bare-repository", "--show-object-format")
    # The last question has no answer in a bare repository or a git folder: git fails after it answered the others.
    done = command.attempt("rev-parse", "--path-format=absolute", *words, "--show-toplevel", cwd=path, env=located)
    said = done.stdout.decode(errors="surrogateescape").split("\n", 4)
    if len(said) < 5:
        named = f"GIT_DIR={located['GIT_DIR']}" if "GIT_DIR" in located else str(path)
        raise _why_not(named, done.stderr.decode(errors="replace"))
    git_dir, common, bare, object_format, shown = said
    command.check_version(command.run("version", cwd=path, env=clean).decode())
    if object_format != "sha1":
        raise UnsupportedRepositoryError(
            f"{path}: this repository's object format is {object_format}; gitbot works with sha1 only",
            hint="libgit2, by which gitbot reads objects, cannot open it",
        )
    top = None
    if bare == "false" and done.returncode == 0:
        top = Path(shown.rstrip("\n"))
    repository = Repository(Path(git_dir), Path(common), top, clean)
    if repository.setting("extensions.refstorage") not in (None, "files"):
        raise UnsupportedRepositoryError(
            f"{path}: this repository keeps its references in a reftable; gitbot works with loose and packed ones",
            hint="libgit2, by which gitbot reads references, cannot open it",
        )
    return repository


def glance_at(path: Path, env: Mapping[str, str]) -> Repository:
    """The same without starting git, for who has milliseconds and only reads; what libgit2 alone does not find or
    does not open goes the long way, and is refused there in git's words.

    Raises:
        UnsupportedRepositoryError: as `open_repository`.
    """
    try:
        found = None if "GIT_WORK_TREE" in env else pygit2.discover_repository(str(path))
        # In a hook of a linked work tree git names the one that is found anyway.
        same = found is not None and ("GIT_DIR" not in env or os.path.samefile(found, path / env["GIT_DIR"]))
        lib = pygit2.Repository(found) if same else None
    except (pygit2.GitError, KeyError, ValueError, OSError):
        lib = None
    if lib is None:
        return open_repository(path, env)
    git_dir = Path(lib.path)
    shared = git_dir / "commondir"  # gitrepository-layout(5); only in the git folder of a linked work tree
    common = Path(os.path.realpath(git_dir / shared.read_text().rstrip("\n"))) if shared.is_file() else git_dir
    return Repository(git_dir, common, Path(lib.workdir) if lib.workdir else None, command.surrounding(env))


def _why_not(path: str, words: str) -> UnsupportedRepositoryError:
    if "not a git repository" in words:
        return NoRepositoryError(
            f"{path} is not inside a git repository", hint="go there, or name it: gitbot -C PATH …"
        )
    first, _, rest = words.strip().removeprefix("fatal: ").partition("\n")
    return UnsupportedRepositoryError(f"{path}: {first}", hint=" ".join(rest.split()) or None)


def _encoding(commit: pygit2.Commit) -> str:
    """What a commit says it is written in; UTF-8 when it says nothing, or nothing that git could know."""
    try:
        name = codecs.lookup(commit.message_encoding or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    return "utf-8" if name in _PYTHONS_OWN else name


def _decoded(data: bytes, encoding: str) -> str:
    """The text of a commit, always fit to be written as UTF-8; what is not in `encoding` is taken for UTF-8."""
    try:
        text = data.decode(encoding)
    except (LookupError, UnicodeError):
        return data.decode("utf-8", "replace")
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _person(signature: pygit2.Signature, encoding: str) -> Person:
    name, email = _decoded(signature.raw_name, encoding), _decoded(signature.raw_email, encoding)
    return Person(name, email, signature.time, signature.offset)


class _Kept(Generic[_Key, _Found]):
    """Answers by key, those used last, as long as they are not longer together than `most`."""

    def __init__(self, most: int) -> None:
        self._most, self._size = most, 0
        self._answers: OrderedDict[_Key, _Found] = OrderedDict()

    def get(self, key: _Key, find: Callable[[], _Found]) -> _Found:
        """The answer; `find` gives it where it is not kept."""
        if key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        found = find()
        self._answers[key] = found
        self._size += len(found) + 1
        while self._size > self._most:
            self._size -= len(self._answers.popitem(last=False)[1]) + 1
        return found


def _differing(before: frozenset[bytes], after: frozenset[bytes]) -> dict[bytes, list[_Side | None]]:
    """Both sides of each name that only one of two trees has, or that is something else there."""
    found: dict[bytes, list[_Side | None]] = {}
    for at, entries in enumerate((before - after, after - before)):
        for mode, name, oid in sorted(_ENTRY.findall(b"".join(entries))):
            found.setdefault(name, [None, None])[at] = mode, oid
    return found


def _kind(side: _Side | None) -> int:
    return stat.S_IFMT(int(side[0], 8)) if side is not None else 0


def _mode(side: _Side) -> int:
    """Of a regular file only the executable bit counts; early gits wrote 100664."""
    kind, executable = _kind(side), int(side[0], 8) & 0o100
    return kind if kind != stat.S_IFREG else kind | (0o755 if executable else 0o644)


def _change(path: bytes, old: _Side | None, new: _Side | None) -> Change | None:
    before = (Oid(old[1].hex()), _mode(old)) if old is not None else (ZERO, 0)
    after = (Oid(new[1].hex()), _mode(new)) if new is not None else (ZERO, 0)
    if before == after:
        return None
    kind = ChangeKind.ADDED if old is None else ChangeKind.DELETED if new is None else ChangeKind.MODIFIED
    if old is not None and new is not None and _kind(old) != _kind(new):
        kind = ChangeKind.TYPE
    name = path.decode("utf-8", "surrogateescape")
    return Change(kind, name, None, before[0], after[0], before[1], after[1])


if sys.platform == "win32":  # pragma: no cover - the lock and the gate need POSIX
    raise UnsupportedRepositoryError("gitbot needs a POSIX system", hint="on Windows use WSL")
