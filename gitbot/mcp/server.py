"""What agents may ask over the Model Context Protocol, by its official SDK.

A tool is a few lines around what a command asks too, with the same answers. Every call looks at the repository anew,
with a handle of its own: calls run at the same time, and branch, plans and leases change between them. Arguments are
a stranger's: what is wrong with them is an answer in words.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import anyio.from_thread
import msgspec
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from gitbot import __version__
from gitbot.agents.waiting import NamedCommit, Wanted, wait
from gitbot.errors import GitbotError, InputError
from gitbot.guard import asking
from gitbot.journal import events, leases
from gitbot.model.event import Data, Scalar
from gitbot.planset import in_force
from gitbot.report.terminal import printable
from gitbot.repository import Repository, glance_at

MOST_PATHS = 10_000  # in one question
LONGEST_WAIT = 3600.0  # seconds; whoever waits for longer asks again

INSTRUCTIONS = """\
Several agents work on this repository at the same time, each on its own branch, by a plan that says which files are
its own. Ask may_touch before you edit a file; where it says no, ask the owner or find another way. Hold files that
are nobody's with claim while you work on them, and release them. my_brief says what your plan is; emit and wait are
for telling the others, and hearing, that something is ready."""

Paths = Annotated[list[str], Field(max_length=MOST_PATHS)]
Patterns = Annotated[
    list[str], Field(max_length=leases.MOST, description="paths or globs, from the repository's top")
]


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools for whoever works in one folder."""

    here: Path
    env: Mapping[str, str]
    brief: Callable[[str | None], str]  # of a plan, or of the one whose branch is checked out

    def who_owns(self, path: str) -> dict[str, Any]:
        """Whose file is this? Kind is foreign (a plan's), shared, or unowned; owner is the plan's id."""
        at = self._standpoint()
        known = asking.in_repository(at.repository, self.here, path)
        if known is None:
            raise InputError(f"{path} is outside of the repository")
        return asking.document(asking.owner(at, known))

    def may_touch(self, paths: Paths, branch: str | None = None) -> dict[str, Any]:
        """May this branch write these files? With who owns or holds those that it may not."""
        at = self._standpoint(branch)
        answers = asking.ask(at, self.here, paths, now=time.time())
        plans = [plan.id for plan in at.mine.plans]
        return {
            "branch": at.branch,
            "plans": plans,
            "paths": list(map(asking.document, answers)),
            "notes": list(at.notes),
        }

    def claim(
        self, patterns: Patterns, minutes: float = 30, reason: str = "", holder: str | None = None
    ) -> dict[str, Any]:
        """Hold files for a while, all or none; claim again to hold them longer. The holder is your branch."""
        found = asking.claim(
            self._standpoint(), patterns, holder, seconds=60 * minutes, now=time.time(), reason=reason
        )
        if isinstance(found, tuple):
            return {"claimed": True, "leases": msgspec.to_builtins(found)}
        return {"claimed": False, "text": found.text}

    def release(self, patterns: Patterns | None = None, holder: str | None = None) -> dict[str, Any]:
        """Give back what you hold: all of it, or only these patterns as you claimed them."""
        at = self._standpoint()
        gone = leases.release(at.repository, asking.holder_of(at, holder), patterns or (), now=time.time())
        return {"released": msgspec.to_builtins(gone)}

    def held(self) -> dict[str, Any]:
        """Who holds which files now, and until when (seconds since the epoch)."""
        return {"leases": msgspec.to_builtins(leases.standing(self._repository(), time.time()))}

    def my_brief(self, plan: str | None = None) -> str:
        """What there is to know about a plan before work begins: its tasks, its files, those of the others."""
        return self.brief(plan)

    def emit(
        self,
        event: str,
        target: str | None = None,
        group: str | None = None,
        data: dict[str, Scalar] | None = None,
        plan: str | None = None,
    ) -> dict[str, Any]:
        """Tell the others that something has happened; should_cancel in data stops whoever waits."""
        at = self._standpoint()
        actor = plan or (at.mine.plans[0].id if at.mine.plans else at.branch)
        said = [None if text is None else printable(text) for text in (actor, target, group)]
        clean: Data = {
            printable(key): printable(value, newlines=True) if isinstance(value, str) else value
            for key, value in (data or {}).items()
        }
        new = events.emit(
            at.repository, event, now=time.time(), actor=said[0], target=said[1], group=said[2], data=clean
        )
        return {"event": msgspec.to_builtins(new)}

    def wait(
        self,
        events: list[str] | None = None,
        every: bool = True,
        plan: str | None = None,
        group: str | None = None,
        commit: str | None = None,
        branch: str | None = None,
        timeout_seconds: Annotated[float, Field(ge=0, le=LONGEST_WAIT)] = 300,
    ) -> dict[str, Any]:
        """Wait until others have emitted these events, before now or after, or made a commit: seen, cancelled or
        timed-out. Commit is a text in its subject; branch is where it is to be, which need not exist yet."""
        if not (events or commit) or bool(commit) != bool(branch):
            raise InputError("nothing to wait for", hint="name events, or a commit and its branch")
        repository, named = self._repository(), None
        if commit and branch:
            target = in_force(repository, None, self.env.get("GITBOT_CONFIG")).target
            named = NamedCommit(commit, branch, target)
        wanted = Wanted(tuple(events or ()), commit=named, every=every, source=plan, group=group)
        answer = wait(repository, wanted, seconds=timeout_seconds, sleep=_sleep)
        made = answer.commit
        return {
            "end": answer.end.value,
            "seen": msgspec.to_builtins(answer.seen),
            "commit": made and {"oid": made.oid, "subject": made.subject},
            "missing": list(answer.missing),
            "failure": msgspec.to_builtins(answer.failure),
        }

    def _repository(self) -> Repository:
        return glance_at(self.here, self.env)

    def _standpoint(self, branch: str | None = None) -> asking.Standpoint:
        return asking.standpoint(self._repository(), self.env.get("GITBOT_CONFIG"), branch)


def serve(tools: Tools) -> None:
    """Answer on standard input and output until the other side closes them."""
    server = MCPServer("gitbot", version=__version__, instructions=INSTRUCTIONS, log_level="ERROR")
    asked = (tools.who_owns, tools.may_touch, tools.claim, tools.release, tools.held)
    for tool in (*asked, tools.my_brief, tools.emit, tools.wait):
        server.add_tool(_in_words(tool))
    server.run("stdio")


def _in_words(tool: Callable[..., object]) -> Callable[..., object]:
    """The tool, with what gitbot can explain as the protocol's kind of error."""

    @functools.wraps(tool)
    def said(*arguments: object, **named: object) -> object:
        try:
            return tool(*arguments, **named)
        except GitbotError as error:
            raise ToolError(printable(f"{error.message}; {error.hint}" if error.hint else error.message)) from None

    return said


def _sleep(seconds: float) -> None:
    """In the loop that the call came from: there it ends with the call, in a thread it would not."""
    anyio.from_thread.run(anyio.sleep, seconds)
