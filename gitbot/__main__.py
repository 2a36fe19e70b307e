"""Where the program begins and ends: `gitbot`, `git-bot` and `python -m gitbot` are this.

Only what saves time at both ends stands here; a hook that runs before every edit of a file is mostly start and end.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    # Looking for cycles at the usual pace takes a tenth of a start, and a sixth of a large check.
    gc.set_threshold(500_000)
    try:
        from gitbot.cli import main as command_line

        code = command_line()
    except KeyboardInterrupt:  # before anything has begun
        code = 130
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # who read it has gone
            stream.flush()
    os._exit(code)  # nothing is left to clean up, and taking the interpreter apart takes as long as a small command


if __name__ == "__main__":
    main()
