"""Where work lands: a branch of this repository, or one of a remote. Both are read, and moved from a known commit.

A remote's branch is moved by one push with a lease, so that whoever was faster wins. What became of a push that broke
off is asked of the remote and never guessed. git does the talking, with the user's own credentials and hooks (by
which git-lfs sends its files), never asking a person, and nothing of it outlives this process.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gitbot import process
from gitbot.errors import InputError, RiskError, UnansweredError
from gitbot.model.git import Oid, RefName
from gitbot.report.terminal import printable
from gitbot.repository import checkouts, history, refs
from gitbot.repository.reading import Repository
from gitbot.repository.temporary import temporary_folder

PATIENCE = 600  # seconds for one fetch or push
BRIEFLY, HASTILY = 60, 5  # seconds for a fetch that something else waits for, and where there was no answer before
GRACE = 2  # seconds in which one that is interrupted may take its locks away, here and in a remote on this machine
MOST_WORDS = 12  # lines of a server that are passed on
ATTEMPTS = 3  # to fetch, while another git fetches the same
_NOISE = re.compile(r"To |From |hint: |error: failed to push some refs|remote: *$|\s*$")


@dataclass(frozen=True, slots=True)
class Place:
    """A reference that a run may move: one of this repository, or here `ref` follows that of a remote."""

    repository: Repository
    ref: RefName

    @property
    def name(self) -> str:
        """How people write it."""
        return refs.shorthand(self.ref)

    @property
    def shown(self) -> RefName:
        """The reference by which it is seen here."""
        return self.ref

    def read(self) -> Oid | None:
        """Where it is now, the commit being here; None when it does not exist.

        Raises:
            RiskError: the remote cannot be read.
        """
        return refs.read(self.repository, self.ref)

    def move(self, before: Oid | None, after: Oid, why: str, *, rewind: bool = False) -> bool:
        """Move it from `before` (None: it does not exist) to `after`; False when somebody else was faster.

        Raises:
            RiskError: it was refused, in git's or the server's words; or commits of `before` would be lost, and that
                is no `rewind`.
            UnansweredError: as in `ask`.
        """
        if not rewind and before is not None and not history.holds(self.repository, after, before):
            raise RiskError(
                f"{self.name} is at {before[:7]}, which {after[:7]} does not stand on: its commits would be lost",
                hint=f"look at them; then delete {self.name}, or name another branch",
            )
        return self._swap(before, after, why)

    def ask(self) -> Oid | None:
        """Where it is after a move that was broken off.

        Raises:
            UnansweredError: the remote cannot be read.
        """
        try:
            return self.read()
        except RiskError as silent:
            raise UnansweredError(
                f"whether {self.name} was moved is not known: the push broke off, and now\n{silent.message}",
                hint="nothing is lost; when the remote can be reached, run the same command again: it asks first",
            ) from None

    def _swap(self, before: Oid | None, after: Oid, why: str) -> bool:
        return refs.swap(self.repository, self.ref, before=before, after=after, why=why)


@dataclass(frozen=True, slots=True)
class RemotePlace(Place):
    """The reference `there` of a remote. Where fetching is not configured for it, nothing here follows it."""

    remote: str
    there: RefName

    @property
    def name(self) -> str:
        """How people write it."""
        return f"{self.remote}/{refs.shorthand(self.there)}"

    @property
    def shown(self) -> RefName:
        """What git lets follow it here, as far as it does."""
        return RefName(f"{refs.REMOTES}{self.name}")

    def read(self) -> Oid | None:
        """As for every place; what is here already is not fetched again."""
        words = ""
        for _ in range(ATTEMPTS):
            now = self._listed()
            if self._is_here(now):
                return now
            # The configured refspec says what follows; tags, pruning and FETCH_HEAD are the user's business.
            quiet = ("--no-tags", "--no-prune", "--no-recurse-submodules", "--no-auto-maintenance")
            done, words = self._talk("fetch", "--no-write-fetch-head", *quiet, "--", self.remote, self.there)
            if self._is_here(now):
                return now
            if not done and "cannot lock ref" not in words:
                break
        raise self._refused("cannot be read", words)

    def _is_here(self, now: Oid | None) -> bool:
        follows = self.ref == self.there or refs.read(self.repository, self.ref) == now
        return now is None or (follows and self.repository.resolve(now) is not None)

    def _listed(self) -> Oid | None:
        done, words = self._talk("ls-remote", "--", self.remote, self.there)
        if not done:
            raise self._refused("cannot be read", words)
        found = re.search(rf"^([0-9a-f]{{40}})\t{re.escape(self.there)}$", words, re.MULTILINE)
        return Oid(found[1]) if found else None

    def _swap(self, before: Oid | None, after: Oid, why: str) -> bool:
        lease = (f"--force-with-lease={self.there}:{before or ''}", "--no-follow-tags", "--recurse-submodules=no")
        what = ("--", self.remote, f"{after}:{self.there}")
        done, words = self._talk("push", "--atomic", *lease, *what)
        if not done and "does not support --atomic" in words:  # one reference is moved in one step anyway
            done, words = self._talk("push", *lease, *what)
        now = after if done else self.ask()
        if now is not None and history.holds(self.repository, now, after):
            return True  # also where only the answer got lost
        if now != before:
            return False
        hint = f"mend that, then run the same command again; --land BRANCH leaves {self.name} alone"
        raise self._refused("was not moved", words, hint)

    def _talk(self, *arguments: str) -> tuple[bool, str]:
        return _talk(self.repository, PATIENCE, *arguments)

    def _refused(self, what: str, words: str, hint: str | None = None) -> RiskError:
        lines = [printable(line).rstrip() for line in words.splitlines() if not _NOISE.match(line)]
        hint = hint or f"`git fetch {self.remote}` has to work here without asking; then run the same command again"
        return RiskError("\n".join([f"{self.name} {what}:", *lines[-MOST_WORDS:]]), hint=hint)


def follow(repository: Repository, remote: str, *also: str, hastily: bool = False) -> str | None:
    """Fetch what is configured to follow a remote, and more refspecs; None when done, else the remote's words."""
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules")
    more = (word for one in also for word in ("-c", f"remote.{remote}.fetch={one}"))
    seconds = HASTILY if hastily else BRIEFLY
    done, words = _talk(repository, seconds, *more, "fetch", *quiet, "--", remote)
    return None if done else printable(" ".join(words.split()))[:300]


def _talk(repository: Repository, seconds: float, *arguments: str) -> tuple[bool, str]:
    """Whether git ended well, and what it and the remote had to say."""
    here = repository.work_tree  # in which hooks run, and to which a remote's path may be relative
    located = () if here else ("--git-dir", str(repository.common))
    with temporary_folder() as folder:
        ended = process.run(
            ("git", *located, *arguments),
            cwd=here or repository.common,
            env=repository.env,
            seconds=seconds,
            log=Path(folder, "said"),
            grace=GRACE,
        )
    late = f"\nno answer within {seconds:g} seconds" if ended.timed_out else ""
    return ended.status == 0, ended.error or ended.log.decode(errors="replace") + late


def place_of(repository: Repository, ref: RefName) -> Place:
    """Where a reference really lives: what is below refs/remotes/ follows a remote's.

    Raises:
        InputError: no remote is configured that it could follow.
    """
    if not ref.startswith(refs.REMOTES):
        return Place(repository, ref)
    listed = repository.attempt("config", "-z", "--get-regexp", r"^remote\..*\.fetch$").stdout
    for entry in listed.decode("utf-8", "surrogateescape").split("\0"):
        key, _, refspec = entry.partition("\n")
        there, _, here = refspec.lstrip("+").partition(":")
        head, star, tail = here.partition("*")
        if ref == here or (star and ref.startswith(head) and ref.endswith(tail)):
            found = there.replace("*", ref[len(head) : len(ref) - len(tail)])
            return RemotePlace(repository, ref, key[len("remote.") : -len(".fetch")], RefName(found))
    raise InputError(f"no remote is configured that {refs.shorthand(ref)} follows", hint="see git remote -v")


def landing_place(repository: Repository, target: RefName, name: str) -> Place:
    """What `--land NAME` means: `REMOTE/BRANCH` is that remote's, all else lives where the target does.

    Raises:
        InputError: no name for a reference, the target itself, or checked out somewhere.
    """
    home, plain = place_of(repository, target), name.removeprefix(refs.REMOTES)
    known = repository.git("remote").decode("utf-8", "surrogateescape").split("\n")
    remote = next((one for one in known if one and plain.startswith(f"{one}/")), "")
    there = plain.removeprefix(f"{remote}/") if remote else name
    ref = RefName(there if there.startswith("refs/") else refs.HEADS + there)
    remote = remote or (home.remote if isinstance(home, RemotePlace) else "")
    place = RemotePlace(repository, ref, remote, ref) if remote else Place(repository, ref)
    wrong = None
    if repository.attempt("check-ref-format", ref).returncode:
        wrong = "is no name for a branch"
    elif place.name == home.name:
        wrong = "is the target, which --land leaves alone"
    elif not remote and checkouts.showing(repository, ref):
        wrong = "is checked out"
    if wrong:
        raise InputError(f"--land {name}: it {wrong}", hint="name a branch that is there for this, or none yet")
    return place
