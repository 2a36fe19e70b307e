"""The forms in which a branch can land, known to the configuration without anything of merging."""

from __future__ import annotations

from enum import StrEnum


class Strategy(StrEnum):
    """The forms in which a branch can land; `auto` chooses among them and is never an answer."""

    AUTO = "auto"
    REBASE = "rebase"
    ACCEPT_BOTH = "accept-both"
    SQUASH = "squash"
    MERGE = "merge"
    SEQUENTIAL = "sequential"
