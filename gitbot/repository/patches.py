"""Patches from outside: judged by unidiff, unpacked and applied by git, made commits in the scratch folder.

A unified diff or a mailbox is the text of strangers: its size, its lines and the paths that it names are looked at
before git has to do with it, and git applies it to an index of the scratch folder. Whose files it may touch, and what
becomes of its commits, is asked elsewhere, as of any branch.
"""

from __future__ import annotations

import email.utils
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pygit2
from unidiff.constants import DEV_NULL
from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from gitbot.errors import GitError, PatchError, UnwritableError
from gitbot.model.git import ZERO, Change, Oid, Person, fits_checkout
from gitbot.model.merge import ConflictedPath
from gitbot.repository import command
from gitbot.repository.reading import GITLINK, LONGEST_PATH, Repository
from gitbot.repository.temporary import temporary_folder
from gitbot.repository.workbench import Workbench

LARGEST = 8 << 20  # bytes of one file
MOST_LINES = 200_000  # seconds for unidiff, whatever stands in them
LARGEST_SHOWN = 1 << 20  # bytes of both sides of a change whose lines are told
MOST_MAILS = 200
MOST_BASES = 20  # earlier states of the target that a patch is tried on
MOST_PATHS = 100  # by which these are looked for
_MAIL = re.compile(rb"\s*(?:From |(?!Index)[A-Za-z][A-Za-z-]*:[ \t])")
_PLAN = re.compile(r"^Gitbot-Plan:[ \t]*(\S.*)$", re.MULTILINE)
_PREFIX = re.compile(r'"?[abciow12]/')
_MOVED = re.compile(r"(?:rename|copy) (?:from|to) (.*)")
_BLOBS = re.compile(r"index ([0-9a-f]{7,40})\.\.([0-9a-f]{7,40})\b")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
# A letter for every line of a diff: what it can be. Git itself passes over lines that it does not know.
_KINDS = (
    ("D", r"diff --git .+ .+"),
    ("X", r"index [0-9a-f]+\.\.[0-9a-f]+(?: \d+)?|(?:old|new|new file|deleted file) mode \d+"),
    ("X", r"(?:dis)?similarity index \d+%|(?:rename|copy) (?:from|to) .+"),
    ("S", r"--- .*"),
    ("T", r"\+\+\+ .*"),
    ("B", r"Binary files? .+ (?:differ|has changed).*"),
    ("G", r"GIT binary patch"),
    ("L", r"(?:literal|delta) \d+"),
    ("I", r"Index: .*|={10,}|diff -.*"),
    ("N", r"\\ No newline at end of file.*"),
    ("F", r"-- ?"),
    ("@", r"@@.*"),
    ("Z", r"[A-Za-z][!-~]{5,}"),
    ("U", r"_{10,}"),
    ("+", r"\+.*|-[^-\s].*"),
    (" ", r"[- ].*"),
    ("E", r""),
)
_KIND = re.compile("|".join(rf"({form})\r?" for _, form in _KINDS))
_PROSE = r"(?:[^DST@GHhB]|S(?!T))*"  # before the first file, and below a signature
_HUNKS = r"E*(?:Hh*N?E*)*"
_FILE = rf"I*+(?:DX*(?:BE*|G(?:LZ+E*){{1,2}}|ST{_HUNKS}|E*)|ST{_HUNKS}|BE*)"
_FOOTER = r"(?:(?<=E)[?Z]|[IU])(?:[^DST@GHhBF+]|S(?!T))*+"  # of a mailing list, behind a blank line or a drawn one
_DIFF = re.compile(rf"{_PROSE}(?:(?>{_FILE})(?>{_FOOTER})?)*+(?:F{_PROSE})?")
_COUNTED = re.compile(  # by a diffstat
    r"^ (\d{1,6}) files? changed(?:, (\d{1,9}) insertions?\(\+\))?(?:, (\d{1,9}) deletions?\(-\))?", re.MULTILINE
)
_HEADER = re.compile(
    r"^diff --git (.+)\n((?:(?!diff|---|\+\+\+|@@)[a-z].*\n)*)((?:--- .*\n\+\+\+ .*\n)?)", re.MULTILINE
)
_WHAT = ("files", "insertions", "deletions")
_WITHIN = re.compile(r"(?<!^---)(?<!^\+\+\+) ", re.MULTILINE)
_SPACE = "\udc20"  # no byte of a file is read as it
_CHANGES = re.compile(r"(?:new|new file|deleted file) mode |(?:rename|copy) to ")
_EMPTY = r"(?:0+|e69de29\w*|473a0f4\w*)"  # no file, or one without lines
_WITH_LINES = re.compile(rf"index (?!{_EMPTY}\.\.{_EMPTY}(?:\s|$))|similarity index (?!100%)|dissimilarity")
_CUT = "it is not what the patch says it becomes: make the patch anew, or drop its index lines if it was edited"
_ANEW = "nothing was done; make the patch anew"
_NUMBERED = re.compile(r"\[[^\[\]]*?\b(\d{1,9})/(\d{1,9})\]")
_CRUFT = re.compile(r"(?:[\s:]|re:|\[[^]]*\])*", re.IGNORECASE)  # what git takes off a subject
_FAILED = re.compile(r"^error: patch failed: (.+):(\d+)$", re.MULTILINE)
_NAMED = re.compile(r"^error: (.+?): ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Patch:
    """What becomes one commit."""

    diff: bytes
    strip: int  # folders in front of its paths, as in `git apply -p`
    paths: tuple[str, ...]
    hunks: Mapping[tuple[str, int], str]  # how each begins, by path and line in the old file
    blobs: tuple[tuple[str, str, str, str], ...]  # path and abbreviated oid before, path and oid after
    message: str
    author: Person | None  # None: whoever hands it in


@dataclass(frozen=True, slots=True)
class Submission:
    """One file: a diff, or a mailbox of any number of them."""

    file: str  # as the command has it
    name: str
    digest: str  # by which it is known again
    patches: tuple[Patch, ...]
    plan: str | None  # that it says it belongs to


def touched_lines(patch: str) -> dict[str, tuple[range, ...]]:
    """Lines that a unified diff adds or replaces, per new path.

    Ranges are 1-based, half-open, sorted and disjoint, in the new file; a deleted file maps to ().

    Raises:
        PatchError: the text is no unified diff; carries the first bad line.

    Source: git-diff(1), "Generating patch text with -p".
    """
    files = _parsed(patch)
    strip, found = _strip(files), dict[str, set[int]]()
    for file in files:
        new = file.source_file if file.target_file == DEV_NULL else file.target_file
        lines = found.setdefault(_stripped(new, strip), set())
        lines |= {line.target_line_no or 0 for hunk in file for line in hunk if line.is_added}
    return {path: tuple(_ranges(lines)) for path, lines in found.items()}


def patch_of(repository: Repository, change: Change) -> str:
    """One change as a unified diff without context, bytes that are no text replaced; "" where there are no lines."""
    sides = ((change.old_oid, change.old_mode), (change.new_oid, change.new_mode))
    blobs = [oid for oid, mode in sides if oid != ZERO and mode != GITLINK]
    try:
        if change.new_oid not in blobs or sum(map(repository.size, blobs)) > LARGEST_SHOWN:
            return ""
        old, new = (repository.blob(oid) if oid in blobs else b"" for oid, _ in sides)
    except GitError:  # what a partial clone lacks
        return ""
    return pygit2.Patch.create_from(old, new, "it", "it", context_lines=0).data.decode("utf-8", "replace")


def _ranges(lines: set[int]) -> Iterator[range]:
    for _, numbered in groupby(enumerate(sorted(lines)), key=lambda pair: pair[1] - pair[0]):
        run = [line for _, line in numbered]
        yield range(run[0], run[-1] + 1)


# Reading


def read_submission(data: bytes, file: str, env: Mapping[str, str]) -> Submission:
    """The patches in the bytes of `file`; mails without one, such as a cover letter, are passed over.

    Raises:
        PatchError: too large, no patch, a broken one, or one that names a path which no checkout can have.
    """
    name = "stdin" if file == "-" else file
    # It comes to stand in messages of commits.
    called = re.sub(r"[^\w.+-]", "-", re.sub(r"\.(patch|diff|mbox|eml|txt)$", "", Path(name).name))[:100]
    if len(data) > LARGEST or data.count(b"\n") > MOST_LINES:
        size = f"{LARGEST >> 20} MiB or {MOST_LINES} lines"
        raise PatchError(f"{name} has more than {size}", hint="commit it on a branch and name that")
    digest = hashlib.sha256(data).hexdigest()
    if data.count(b"\n") == data.count(b"\r\n"):  # by post or by an editor: git's own lines have no CR
        data = data.replace(b"\r\n", b"\n")
    if _MAIL.match(data):
        patches = tuple(_mails(data, name, command.sealed(env)))
    else:
        patches = (_patch(data, data, name, f"Apply {called}\n", None),)
    if not patches:
        raise PatchError(f"{name}: no mail in it has a patch")
    plan = _PLAN.search("\n".join(patch.message for patch in patches))
    return Submission(file, called, digest, patches, plan[1].strip() if plan else None)


def _mails(data: bytes, name: str, env: Mapping[str, str]) -> Iterator[Patch]:
    """git itself takes the mails apart: quoted lines, encodings, headers in the body."""
    # A mail that went by post has CRLF everywhere; in a file of format-patch a CR is of the patched text.
    keep = () if data.lstrip().partition(b"\n")[0].endswith(b"\r") else ("--keep-cr",)
    series: dict[int, set[int]] = {}  # the numbers that there are of so many
    with temporary_folder() as folder:
        where = Path(folder)
        try:
            command.run("mailsplit", "-b", "--mboxrd", *keep, f"-o{folder}", cwd=where, env=env, feed=data.lstrip())
            mails = sorted(os.listdir(folder))
            if len(mails) > MOST_MAILS:
                raise PatchError(f"{name} holds {len(mails)} mails, more than {MOST_MAILS}", hint="hand in fewer")
            for mail in mails:
                text = Path(folder, mail).read_bytes()
                said = command.run("mailinfo", "-k", "message", "diff", cwd=where, env=env, feed=text)
                lines = said.decode(errors="replace").splitlines()
                head = dict(line.split(": ", 1) for line in lines if ": " in line)
                diff, body = (Path(folder, part).read_bytes() for part in ("diff", "message"))
                title, number, total = _subject(head.get("Subject", ""))
                series.setdefault(total, set()).add(number)
                called = f"{name}, mail {int(mail)}"
                if b"\n+++ " in diff or b"diff --git " in diff or b"\n@@ " in diff:
                    message = (
                        f"{title or f'Apply {name}'}\n\n{body.decode(errors='replace')}".replace("\0", "").strip()
                        + "\n"
                    )
                    yield _patch(diff, data, called, message, _author(head))
                elif number:
                    line = data[: max(data.find(text), 0)].count(b"\n") + 1
                    raise PatchError(f"{called}: line {line}: it is {number} of {total} and has no diff", hint=_ANEW)
        except GitError as refused:
            raise PatchError(f"{name}: {refused.message}") from None
    for total, there in series.items() if len(mails) > 1 else ():
        if missing := next((number for number in range(1, total + 1) if number not in there), 0):
            line = data.count(b"\n")
            raise PatchError(f"{name}: line {line}: it ends without mail {missing} of {total}", hint=_ANEW)


def _subject(header: str) -> tuple[str, int, int]:
    """The first line of the message, and which mail it is of how many; 0 of 0 where it does not say so."""
    title = _CRUFT.sub("", header := " ".join(header.split()), count=1)
    numbered = _NUMBERED.search(header.removesuffix(title))
    number, total = (int(numbered[1]), int(numbered[2])) if numbered else (0, 0)
    return (title, number, total) if number <= total else (title, 0, 0)


def _author(head: Mapping[str, str]) -> Person | None:
    name, address = head.get("Author", ""), head.get("Email", "")
    try:
        date = email.utils.parsedate_tz(head.get("Date", ""))
        time = email.utils.mktime_tz(date) if date else 0
    except (ValueError, OverflowError, TypeError):
        date, time = None, 0
    offset = (date[9] or 0) // 60 if date else 0
    if not (name or address):
        return None
    return Person(name or address, address, min(max(time, 0), 1 << 40), offset if abs(offset) < 24 * 60 else 0)


def _patch(diff: bytes, whole: bytes, name: str, message: str, author: Person | None) -> Patch:
    """Judge one diff, which is a part of the whole file."""
    offset = whole[: max(whole.find(diff), 0)].count(b"\n")  # what was encoded is counted by itself
    try:
        files = _parsed(diff.decode("utf-8", "surrogateescape"), offset)
        strip = _strip(files)
        for file in files:
            for path in _paths(file, strip):
                if not fits_checkout(path):
                    line = (file.diff_line_no or 1) + offset
                    raise PatchError(f"line {line}: {path!r} is outside of what a repository can hold")
    except PatchError as broken:
        raise PatchError(f"{name}: {broken.message}", hint=_ANEW) from None
    paths = dict.fromkeys(path for file in files for path in _paths(file, strip))
    hunks = {
        (path, hunk.source_start): str(hunk).partition("\n")[0]
        for file in files
        for hunk in file
        for path in _paths(file, strip)
    }
    blobs = tuple(
        (_paths(file, strip)[0], match[1], _paths(file, strip)[-1], match[2])
        for file in files
        for line in file.patch_info or ()
        if (match := _BLOBS.match(line))
    )
    # git wants the newline that a file may lack at its very end.
    return Patch(diff if diff.endswith(b"\n") else diff + b"\n", strip, tuple(paths), hunks, blobs, message, author)


def _parsed(text: str, offset: int = 0) -> PatchSet:
    at = 0

    def lines() -> Iterator[str]:
        nonlocal at
        for line in io.StringIO(_HEADER.sub(_unambiguous, text), newline="\n"):
            at += 1
            # unidiff looks for names in these lines with patterns whose time grows faster than the line.
            if line.startswith(("diff --git ", "Binary file")) and (len(line) > 3 * LONGEST_PATH or "://" in line):
                raise UnidiffParseError("it names no path of a repository")
            yield line

    try:
        found = PatchSet(lines())
        if not found:
            raise UnidiffParseError("there is no unified diff up to here")
        counted = _COUNTED.search(text.partition("\ndiff --git ")[0])
        there = (len(found), sum(file.added for file in found), sum(file.removed for file in found))
        for number, total, what in zip(there, counted.groups("0") if counted else (), _WHAT, strict=False):
            if number < int(total):
                raise UnidiffParseError(f"it ends after {number} of the {total} {what} that it counts itself")
        if (unknown := _unaccounted(text, found)) is not None:
            at = unknown
            raise UnidiffParseError("it is no part of a diff, or it is more than the hunk says")
        for file in found:
            at = file.diff_line_no or 0
            said = [*map(str, file.patch_info or ())]
            whole = file or file.is_binary_file or any(map(_CHANGES.match, said))
            if not whole or (not file and any(map(_WITH_LINES.match, said)) and not file.is_binary_file):
                raise UnidiffParseError("the changes of this file are missing")
    except (UnidiffParseError, ValueError) as broken:
        raise PatchError(f"line {at + offset}: {' '.join(str(broken).replace(_SPACE, ' ').split())[:200]}") from None
    return found


def _unambiguous(header: re.Match[str]) -> str:
    """The header of a file with the spaces in its names replaced: unidiff would split the names at the last one."""
    names, moved = header[1], _MOVED.findall(header[2])
    at = len(names) // 2
    if moved and names.endswith(to := moved[-1].lstrip('"')):
        at = names[: len(names) - len(to)].rfind(" ")
    old, new = names[:at], names[at + 1 :]
    if names[at : at + 1] != " " or (not moved and old.partition("/")[2] != new.partition("/")[2]):
        return header[0]
    pair = f"{old.replace(' ', _SPACE)} {new.replace(' ', _SPACE)}"
    return f"diff --git {pair}\n{header[2]}{_WITHIN.sub(_SPACE, header[3])}"


def _unaccounted(text: str, files: PatchSet) -> int | None:
    """The first line that is neither of a hunk nor anything else that has its place in a diff."""
    matches = map(_KIND.fullmatch, text.split("\n"))
    kinds = [_KINDS[match.lastindex - 1][0] if match and match.lastindex else "?" for match in matches]
    for hunk in (hunk for file in files for hunk in file):
        within = [line.diff_line_no for line in hunk if line.diff_line_no]
        if within:
            kinds[within[0] - 2 : within[-1]] = ["H", *"h" * len(within)]
    known = _DIFF.match("".join(kinds))
    end = known.end() if known else 0
    return None if end == len(kinds) else end + 1


def _strip(files: PatchSet) -> int:
    """1 where the paths have git's prefixes, `a/` and `b/` or others that differ from each other."""
    pairs = [[name.lstrip('"') for name in (file.source_file, file.target_file)] for file in files]
    known = all(name == DEV_NULL or _PREFIX.match(name) for pair in pairs for name in pair)
    return int(known and all(old[:1] != new[:1] for old, new in pairs))


def _paths(file: PatchedFile, strip: int) -> list[str]:
    moved = (match[1] for line in file.patch_info or () if (match := _MOVED.match(line)))
    named = [_stripped(name, strip) for name in (file.source_file, file.target_file) if name != DEV_NULL]
    return [*named, *(_stripped(name, 0) for name in moved)]


def _stripped(name: str, strip: int) -> str:
    """A path as git has it, out of the form in which a diff has it."""
    name = name.replace(_SPACE, " ")
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        raw = name[1:-1].encode("utf-8", "surrogateescape")
        raw = _ESCAPE.sub(lambda m: bytes([int(m[1], 8) & 255]) if len(m[1]) == 3 else _ESCAPES.get(m[1], m[1]), raw)
        name = raw.decode("utf-8", "surrogateescape")
    return name.partition("/")[2] if strip else name


# Applying


def commit_patches(bench: Workbench, submission: Submission, onto: Oid, committer: Person) -> Oid | ConflictedPath:
    """The patches as commits in the scratch folder, or the place of the target that they do not fit.

    They stand on `onto`, or on what it came from where they fit only that, and then are merged like any branch that
    fell behind. At last git tries a merge with the blobs that they name.
    """
    misfits: list[ConflictedPath] = []
    for base, how in _ways(bench, submission, onto):
        found = _commit(bench, submission.patches, base, committer, how)
        if not isinstance(found, ConflictedPath) or found.refused == _CUT:
            return found
        misfits.append(found)
    return misfits[0]


def _ways(bench: Workbench, submission: Submission, onto: Oid) -> Iterator[tuple[Oid, tuple[str, ...]]]:
    yield onto, ()
    paths = dict.fromkeys(path for patch in submission.patches for path in patch.paths)
    words = ("--literal-pathspecs", "rev-list", "--first-parent", f"--max-count={MOST_BASES}", onto, "--")
    for commit in bench.repository.git(*words, *[*paths][:MOST_PATHS]).decode().split():
        yield from ((parent, ()) for parent in bench.repository.commit(Oid(commit)).parents[:1])
    yield onto, ("--3way",)


def _commit(
    bench: Workbench, patches: tuple[Patch, ...], base: Oid, committer: Person, how: tuple[str, ...]
) -> Oid | ConflictedPath:
    tip, words = base, ("apply", "--cached", "--whitespace=nowarn", *how)
    done = bench.git("read-tree", base)
    for patch in patches:
        done = done if done.returncode else bench.git(*words, f"-p{patch.strip}", feed=patch.diff)
        if done.returncode != 0:
            error = command.failure(done.stderr.decode(errors="replace"))
            if isinstance(error, UnwritableError):
                raise error
            return _misfit(patch, done.stderr.decode("utf-8", "surrogateescape").strip())
        tree = Oid(bench.git("write-tree").stdout.decode().strip())
        if (path := _cut(bench.repository, patch, bench.repository.tree_of(tip), tree)) is not None:
            return ConflictedPath(path, "patch", refused=_CUT)
        if tree != bench.repository.tree_of(tip):
            tip = bench.write_commit(tree, (tip,), patch.author or committer, committer, patch.message)
    return tip


def _cut(repository: Repository, patch: Patch, before: Oid, after: Oid) -> str | None:
    """The first path that began as the patch says and did not become what it says: a part of the patch is missing."""
    for old, was, new, becomes in patch.blobs:
        sides = (repository.entry(before, old), was), (repository.entry(after, new), becomes)
        began, became = (
            abbreviated.strip("0") == "" if entry is None else entry[0].startswith(abbreviated)
            for entry, abbreviated in sides
        )
        if began and not became:
            return new
    return None


def _misfit(patch: Patch, words: str) -> ConflictedPath:
    failed, named = _FAILED.search(words), _NAMED.search(words)
    if failed is not None:
        hunk = patch.hunks.get((failed[1], int(failed[2])), f"at line {failed[2]}")
        return ConflictedPath(failed[1], "patch", refused=f"its hunk {hunk} does not apply")
    path = named[1] if named is not None and named[1] in patch.paths else "."
    return ConflictedPath(path, "patch", refused=words.partition("\n")[0].removeprefix("error: "))
