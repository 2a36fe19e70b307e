"""What a repository's own past says of its files: which change together, and which both sides of merges change.

One `git log` over a bounded window, counted here; kept per tip in the user's cache folder, never in the repository.
What the counts mean for plans is `gitbot.preflight`'s question.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import chain, combinations, islice
from pathlib import Path
from typing import TypeVar

import msgspec

from gitbot.model.git import Oid
from gitbot.model.preflight import History
from gitbot.repository import command
from gitbot.repository.pool import cache_folder
from gitbot.repository.reading import Repository

COMMITS = 10_000  # that are looked at, merges included
_MERGES = 500  # the newest of the window
_MOST_FILES = 40  # of one commit: a larger one moves or formats files and says nothing of them
_MOST_PAIRS = 1_000_000  # counted one by one, newest first; bounds memory
_LEAST = 4  # changes of a file, or of a pair, below which nothing can be said
_SECONDS, _BYTES = 30.0, 256 << 20
_FORMAT = 2  # of what is kept; another one is read again

_Key = TypeVar("_Key")


_Change = tuple[int, list[str]]
"""One commit: how many parents it has and what it changes; of a merge only what differs from every parent."""


class _Kept(msgspec.Struct):
    format: int
    tip: str
    history: History


def history_before(repository: Repository, tip: Oid) -> History:
    """What the newest 10,000 commits up to `tip` say, as far as their objects are here.

    Of single files and of pairs only those that changed at least four times are told.
    """
    kept = cache_folder(repository) / "history.msgpack"
    if (known := _read(kept, tip)) is None:
        _keep(kept, tip, known := _mined(repository, tip))
    return known


def _mined(repository: Repository, tip: Oid) -> History:
    arguments = (
        *("--git-dir", str(repository.git_dir), "log", f"--max-count={COMMITS + 1}", "--format=//%H %P"),
        *("--diff-merges=combined", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-show-signature"),
        *("--no-notes", "--no-relative", "--no-color", "--end-of-options", tip, "--"),
    )
    env = {**command.sealed(repository.env), "GIT_NO_LAZY_FETCH": "1"}
    data, whole = command.beginning(*arguments, cwd=repository.common, env=env, most=_BYTES, seconds=_SECONDS)
    found = list(_changes(data))[: None if whole else -1]  # the last was cut off somewhere
    return _counted(found[:COMMITS], whole=whole and len(found) <= COMMITS)


def _changes(data: bytes) -> Iterator[_Change]:
    """The commits of `git log -z --name-only`, newest first; `//` begins a commit, for no path begins with it."""
    for commit in data.removeprefix(b"//").split(b"\0//"):
        head, *paths = commit.split(b"\0")
        parents = len(head.split()) - 1
        if paths and parents < 2:
            paths[0] = paths[0].removeprefix(b"\n")  # stands before the first path of a commit that is no merge
        yield parents, [path.decode("utf-8", "replace") for path in paths if path]


def _counted(commits: list[_Change], *, whole: bool) -> History:
    # The first commit (or where a shallow clone begins) adds all that there is: that is no change.
    telling = [set(paths) for parents, paths in commits if parents == 1 and len(paths) <= _MOST_FILES]
    merges = list(islice((paths for parents, paths in commits if parents > 1), _MERGES))
    changes = _often(Counter(chain.from_iterable(telling)))
    pairs = chain.from_iterable(combinations(sorted(paths & changes.keys()), 2) for paths in telling)
    together = _often(Counter(islice(pairs, _MOST_PAIRS)))
    contested = dict(Counter(chain.from_iterable(merges)))
    return History(len(telling), changes, together, contested, whole, len(merges))


def _often(counted: Counter[_Key]) -> dict[_Key, int]:
    return {key: count for key, count in counted.items() if count >= _LEAST}


def _read(path: Path, tip: Oid) -> History | None:
    try:
        kept = msgspec.msgpack.decode(path.read_bytes(), type=_Kept)
    except (OSError, ValueError, RecursionError):
        return None
    return kept.history if (kept.format, kept.tip) == (_FORMAT, tip) else None


def _keep(path: Path, tip: Oid, history: History) -> None:
    """Written whole or not at all; where nothing can be written it is counted again next time."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            file.write(msgspec.msgpack.encode(_Kept(_FORMAT, tip, history)))
        os.replace(file.name, path)
