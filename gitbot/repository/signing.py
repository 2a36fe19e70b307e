"""A commit written again on other parents: author, encoding and message byte for byte, its signature made anew.

A signature speaks of one exact content, so none is ever carried over. Whether, with which key and by which program to
sign is git's configuration; git itself signs, when commits land and not when they are tried.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pygit2.enums import ObjectType

from gitbot.model.git import Commit, Oid, Person
from gitbot.model.merge import Candidate
from gitbot.repository import command, history
from gitbot.repository.reading import Repository
from gitbot.repository.workbench import Workbench, ident, quoted


def is_signed(repository: Repository, commit: Oid) -> bool:
    """Whether a commit carries a signature, valid or not."""
    return any(name.startswith(b"gpgsig") for name in _parts(repository.raw(commit))[0])


def signs(repository: Repository, *, signed: bool) -> bool:
    """Whether git is configured to sign what replaces a signed commit, or one that was not.

    `commit.gpgSign` decides; while nobody has set it, a `user.signingKey` is enough for what was signed before.
    """
    said = repository.attempt("config", "--type=bool", "--get", "commit.gpgSign").stdout.strip()
    return said == b"true" or (signed and not said and repository.setting("user.signingKey") is not None)


def rewrite(bench: Workbench, commit: Commit, tree: Oid, parents: tuple[Oid, ...], committer: Person) -> Oid:
    """The commit with another tree, parents and committer, unsigned."""
    headers, message = _parts(bench.repository.raw(commit.oid))
    above = "\n".join([f"tree {tree}", *(f"parent {parent}" for parent in parents)]).encode()
    who, encoding = ident(committer).encode("utf-8", "replace"), headers.get(b"encoding")
    if encoding is not None and not who.isascii():  # one commit cannot be in two encodings
        return bench.write_commit(tree, parents, commit.author, committer, commit.message)
    lines = [above, b"author " + headers[b"author"], b"committer " + who]
    data = b"\n".join([*lines, *([b"encoding " + encoding] if encoding is not None else []), b"", message])
    return Oid(str(bench.repository.lib.odb.write(ObjectType.COMMIT, data)))


def sign(bench: Workbench, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Candidates that stand one on the other, their new commits signed as far as git is configured to sign them.

    Raises:
        GitError: git could not sign; carries its words.
        UnwritableError: likewise, where a disk is full or the like.
    """
    every = signs(bench.repository, signed=False)
    if not every and not (any(c.signed for c in candidates) and signs(bench.repository, signed=True)):
        return tuple(candidates)
    made: dict[Oid, Oid] = {}
    found: list[Candidate] = []
    for candidate in candidates:
        _sign(bench, candidate, made, every=every)
        commits = tuple(made.get(oid, oid) for oid in candidate.commits)
        base, commit = (made.get(oid, oid) for oid in (candidate.base, candidate.commit))
        found.append(replace(candidate, base=base, commit=commit, commits=commits))
    return tuple(found)


def _sign(bench: Workbench, candidate: Candidate, made: dict[Oid, Oid], *, every: bool) -> None:
    """Write a candidate's commits again where they have to be signed or stand on one that was; `made` tells which."""
    repository = bench.repository
    for oid in candidate.commits:
        if history.contains(repository, candidate.tip, oid):
            continue  # the branch's own commit, as it is
        commit = repository.commit(oid)
        parents = tuple(made.get(parent, parent) for parent in commit.parents)
        if every or oid in candidate.signed:
            made[oid] = _signed(bench, commit, parents)
        elif parents != commit.parents:
            made[oid] = rewrite(bench, commit, commit.tree, parents, commit.committer)


def _signed(bench: Workbench, commit: Commit, parents: tuple[Oid, ...]) -> Oid:
    headers, message = _parts(bench.repository.raw(commit.oid))
    env = bench.repository.env | {
        "GIT_OBJECT_DIRECTORY": str(bench.objects),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": quoted(bench.store),
    }
    for role in ("author", "committer"):
        name, _, rest = headers[role.encode()].decode("utf-8", "surrogateescape").rpartition(" <")
        email, _, date = rest.partition("> ")
        values = {"NAME": name, "EMAIL": email, "DATE": f"@{date}"}
        env |= {f"GIT_{role.upper()}_{what}": value for what, value in values.items()}
    encoding = headers.get(b"encoding", b"UTF-8").decode("ascii", "replace")
    words = ("-c", f"i18n.commitEncoding={encoding}", "commit-tree", "-S", commit.tree, "-F", "-")
    above = [word for parent in parents for word in ("-p", parent)]
    where = bench.repository.common
    done = command.attempt("--git-dir", str(where), *words, *above, cwd=where, env=env, feed=message)
    if done.returncode != 0:
        said = " ".join(done.stderr.decode(errors="replace").split()[:60])
        raise command.failure(f"git could not sign commit {commit.oid[:7]}: {said}")
    return Oid(done.stdout.decode().strip())


def _parts(raw: bytes) -> tuple[dict[bytes, bytes], bytes]:
    """The headers of a commit by name, the first of each and without what continues it, and its message."""
    above, _, message = raw.partition(b"\n\n")
    headers: dict[bytes, bytes] = {}
    for line in above.replace(b"\0", b"").split(b"\n"):
        name, _, value = line.partition(b" ")
        headers.setdefault(name, value)
    return headers, message
