"""Conflicts as git itself marks them, for tests of the rungs."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from gitbot.merge.hunks import ConflictedFile, marker_size_for


def conflicted(
    base: bytes | None, ours: bytes, theirs: bytes, *, path: str = "notes", additive: bool = False
) -> ConflictedFile | None:
    """The file as `git merge-file` leaves it, or None where git merges it cleanly."""
    size = marker_size_for(base or b"", ours, theirs)
    merged = _merge_file(base or b"", ours, theirs, "--zdiff3", f"--marker-size={size}")
    if merged.returncode == 0:
        return None
    return ConflictedFile(path, base, ours, theirs, merged.stdout, size, additive)


def union(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """What git's union driver makes of it."""
    return _merge_file(base, ours, theirs, "--union").stdout


def _merge_file(base: bytes, ours: bytes, theirs: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("ours", ours), ("base", base), ("theirs", theirs)):
            Path(folder, name).write_bytes(data)
        command = ["git", "merge-file", "-p", *options, "ours", "base", "theirs"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False)
