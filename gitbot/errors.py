"""Every error that a user can see, as one tree.

The class decides the exit code (the table of docs/exit-codes.md); `message` says what and where, `hint` the way
out. Expected answers such as a conflict or a red gate are values of `gitbot.model`, not errors.
"""

from __future__ import annotations


class GitbotError(Exception):
    """The root: something that gitbot can explain in words."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputError(GitbotError):
    """Bad usage or bad input; nothing was done."""

    exit_code = 2


class UnknownBranchError(InputError):
    """A name or pattern that resolves to no branch."""


class NoPlanError(InputError):
    """No plan that can be read where one was asked for."""


class ConfigurationError(InputError):
    """A configuration that is broken, doubled or has an unknown key."""


class NoGateError(InputError):
    """Integration was asked for without any gate."""


class NoIdentityError(InputError):
    """git has no user.name and user.email to write commits with."""


class UnsupportedRepositoryError(InputError):
    """No repository here, or one of a kind that cannot be worked on."""


class NoRepositoryError(UnsupportedRepositoryError):
    """No repository here at all: what needs none goes on without."""


class DamagedRecordError(InputError):
    """A record below refs/gitbot/ that cannot be read: damaged, foreign, or from a newer gitbot."""


class PatchError(InputError):
    """A patch that is no unified diff, or that nobody should apply."""


class PatternError(InputError):
    """A path pattern that is outside the notation."""


class HooksManagedError(GitbotError):
    """The hook that git would run is not gitbot's to write; it was left alone."""

    exit_code = 1


class TargetRedError(GitbotError):
    """The target fails its own gate, or the gate cannot start on it."""

    exit_code = 3


class RiskError(GitbotError):
    """Going on would have put something at risk; nothing more was changed."""

    exit_code = 4


class LockedError(RiskError):
    """Another run holds the lock of this repository."""


class WorkTreeInTheWayError(RiskError):
    """An edited or untracked file would be overwritten."""


class TargetMovedError(RiskError):
    """Somebody else kept moving the target."""


class FileExistsInTheWayError(RiskError):
    """A file that would be written exists already."""


class GitError(GitbotError):
    """git or libgit2 answered something that gitbot has no use for; carries its words."""

    exit_code = 70


class UnwritableError(GitbotError):
    """The machine lets nothing more be written, as where a disk is full; what there was is still there.

    The run stays open, and the same command goes on from there.
    """

    exit_code = 4


class UnansweredError(GitbotError):
    """Whether a remote was moved is not known: the push broke off, and the remote cannot be asked.

    The run stays open, and the next command asks again before anything else.
    """

    exit_code = 4
