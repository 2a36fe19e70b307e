"""A coding agent's tool is about to run: does it write what the agent's branch may not touch?

Speaks the form in which Claude Code calls a PreToolUse hook (docs/agent-tools.md). What writes files is told by a
tool's name, and which files by its input. A shell command is read only as far as it is certain: plain words behind a
redirection or a few well-known commands. Nothing is ever allowed here, only denied: what to permit is the user's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gitbot.errors import GitbotError, NoRepositoryError
from gitbot.guard.asking import Standpoint, ask, in_repository, standpoint
from gitbot.guard.enforcement import Answer, rules
from gitbot.planset import unreadable_plans
from gitbot.report.terminal import printable
from gitbot.repository import Repository, glance_at

MOST_PATHS = 1000  # in one call
_SHOWN = 5  # reasons
_WRITES = re.compile(
    r"write|overwrite|edit|create|update|patch|replace|insert|append|delete|remove|move|rename|save|copy|put"
)
_NAME_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PATCHED = re.compile(
    r"^\*\*\* (?:(?:Add|Update|Delete) File|Move to): (?P<file>.+?)\s*$"
    r"|^--- (?:a/)?(?P<old>[^\t\n]+).*\n\+\+\+ (?:b/)?(?P<new>[^\t\n]+).*\n(?=@@)",
    re.MULTILINE,
)
_PATH = re.compile(
    r"(?:(?:file|notebook|target|old|new|relative|relative_workspace)_)?path|paths|file_paths|filePath"
    r"|target_file|filename|source|destination"
)
_LISTS = frozenset({"edits", "files", "changes", "operations"})
_SHELLS = frozenset({"Bash", "Shell", "shell", "bash", "run_terminal_cmd", "execute_command"})
_WORD = r"(?!-|/dev/)[\w./@%+,:=-]++"  # stands for itself: nothing in it is expanded
_QUOTED = re.compile(r"'[^']*+(?:'|\Z)|\"(?:[^\"\\]|\\(?:.|\Z))*+(?:\"|\Z)", re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))#[^\n]*")
# What a shell only compares: `>` writes nothing there. As a word behind a command, `[[` is one like any other.
_CONDITION = re.compile(
    r"(?:(?<=[;&|\n])|\A)(\s*(?:(?:if|elif|while|until|then|else|do|time|!)\s+)*)"
    r"(?:\[\[\s[^\n;]{0,1000}?\s\]\]|\(\((?:[^()\n;]|\([^()\n;]*\))*\)\))(?=[\s;&|]|\Z)"
)
_SEPARATOR = re.compile(r"&&|(?<!>)\||[;\n]|(?<!>)&(?!>)")
_ELSEWHERE = re.compile(r"^\s*(?:cd|pushd|popd|eval|source|\.)(?!\S)|[(){}]")
_REDIRECTED = re.compile(rf"(?<![\\<>])(?:&|\b[0-9])?>[>|]?\s*+({_WORD})(?=[\s<>]|$)")
_READ = re.compile(r"(?<!\S)[0-9]?<(?![&<>])\s*+[^\s<>]++")
_BEFORE = r"(?:(?:if|elif|while|until|then|else|do|time|!)\s++|[A-Za-z_]\w*+=\S*+\s++)*+"  # a command
_NAMED = re.compile(
    rf"\s*{_BEFORE}(?:git\s+)?(?:rm|rmdir|unlink|touch|tee|mv)(?:\s++-[afirRpv]++)*+(?:\s++--(?=\s))?+"
    rf"((?:\s++{_WORD})++)\s*+"
)


class Call(msgspec.Struct, frozen=True):
    """What the agent's program says of the tool that it is about to run."""

    tool_name: str
    tool_input: dict[str, Any] | None = None
    cwd: str | None = None


def answer(said: bytes, here: Path, env: Mapping[str, str], *, now: float) -> dict[str, object] | None:
    """The document to answer a call with; None: nothing is to be said, and the user's own rules decide."""
    try:
        call = msgspec.json.decode(said, type=Call)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return undecided(here, env, "the call cannot be read")
    if call.cwd is not None and os.path.isabs(call.cwd) and os.path.isdir(call.cwd):
        here = Path(call.cwd)
    paths = [path for path in dict.fromkeys(written_by(call)) if "\0" not in path]
    place = _place(here, paths, env)
    try:
        if not paths:
            return None
        if len(paths) > MOST_PATHS:
            return undecided(place, env, f"it names more than {MOST_PATHS} files")
        at = standpoint(glance_at(place, env), env.get("GITBOT_CONFIG"))
        unread = unreadable_plans(at.force.plans) if at.force is not None else ()
        if unread and any(in_repository(at.repository, here, path) for path in paths):
            denial = undecided(place, env, unread[0])
            if denial is not None:
                return denial
        return _verdict(at, here, paths, now)
    except NoRepositoryError:
        return None
    except (GitbotError, OSError, UnicodeError) as unreadable:
        return undecided(place, env, str(unreadable))


def _place(here: Path, paths: Sequence[str], env: Mapping[str, str]) -> Path:
    """The folder that says which repository is meant: the current one, else that of a path in one."""
    absolute = [Path(path) for path in paths[:MOST_PATHS] if os.path.isabs(path)]
    named = (next(each for each in (path, *path.parents) if os.path.isdir(each)) for path in absolute)
    for folder in dict.fromkeys((here, *named)):
        try:
            glance_at(folder, env)
        except NoRepositoryError:
            continue
        except (GitbotError, OSError):  # which is said by whoever opens it next
            pass
        return folder
    return here


def undecided(here: Path, env: Mapping[str, str], why: str) -> dict[str, object] | None:
    """What to answer where gitbot fails: nothing, or a denial where the configuration says so.

    A configuration that cannot be read says nothing of the kind.
    """
    try:
        force = rules(glance_at(here, env), "origin", env.get("GITBOT_CONFIG"))
    except (GitbotError, OSError):
        return None
    if force is None or force.config.ownership.tools == "open":
        return None
    return _denial(f"gitbot cannot say whether this branch may do that: {why}")


def _verdict(at: Standpoint, here: Path, paths: Sequence[str], now: float) -> dict[str, object] | None:
    """Each path counts as it is named and, since tools write through links, as the system resolves it."""
    found: dict[str, Answer] = {}
    inside = []
    for path in dict.fromkeys(each for named in paths for each in (named, os.path.realpath(here / named))):
        if at.mine.plans and (why := _elsewhere(at.repository, here / path)) is not None:
            found.setdefault(os.path.realpath(here / path), Answer(path, "outside", False, why))
        elif in_repository(at.repository, here, path) is not None:
            inside.append(path)
    found |= {answer.path: answer for answer in ask(at, here, inside, now=now)}
    refused = [answer.text or answer.path for answer in found.values() if not answer.allowed]
    if refused:
        more = [f"and {len(refused) - _SHOWN} more"] if len(refused) > _SHOWN else []
        whose = f"branch {at.branch}" if at.branch is not None else "a detached HEAD"
        return _denial(f"{whose} may not touch this: " + "; ".join([*refused[:_SHOWN], *more]))
    said = [answer.text for answer in found.values() if answer.text is not None]
    return _output(additionalContext="gitbot: " + printable("; ".join(said[:_SHOWN]))) if said else None


def _elsewhere(repository: Repository, path: Path) -> str | None:
    """Why a path is not the branch's to judge: git's own, or in another work tree, perhaps one within this one.

    What lies in no work tree of this repository is left alone: agents have files of their own.
    """
    whole = Path(os.path.realpath(path))
    link = Path(os.path.realpath(repository.work_tree or "/"), ".git")
    if whole == link or whole.is_relative_to(os.path.realpath(repository.common)):
        return f"{path} is git's own"
    folder = next(folder for folder in (whole, *whole.parents) if os.path.isdir(folder))
    try:
        there = glance_at(folder, repository.env)
    except GitbotError:
        return None
    same = os.path.realpath(there.common) == os.path.realpath(repository.common)
    if not same or there.git_dir == repository.git_dir:
        return None
    return f"{path} is in another work tree, {there.work_tree}"


def _denial(reason: str) -> dict[str, object]:
    return _output(permissionDecision="deny", permissionDecisionReason=printable(reason))


def _output(**said: str) -> dict[str, object]:
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **said}}


def written_by(call: Call) -> Iterator[str]:
    """The paths that a tool writes, as far as they are told; those in a named repository lie elsewhere."""
    said = call.tool_input or {}
    command = said.get("command")
    if call.tool_name in _SHELLS:
        yield from written_by_shell(command) if isinstance(command, str) else ()
    words = {part.lower() for part in _NAME_PART.findall(call.tool_name.rpartition("__")[2])}
    if call.tool_name in _SHELLS or "repo" in said or command == "view" or not any(map(_WRITES.fullmatch, words)):
        return
    if "copy" in words:
        said = {key: value for key, value in said.items() if key != "source"}
    yield from _named_in(said, deeper=True)
    for text in said.values() if "patch" in words else ():
        for match in _PATCHED.finditer(text) if isinstance(text, str) else ():
            yield from (path for path in match.groups() if path and path != "/dev/null")


def _named_in(said: dict[str, Any], *, deeper: bool) -> Iterator[str]:
    for key, value in said.items():
        values = value if isinstance(value, list) else [value]
        if _PATH.fullmatch(key):
            yield from (each for each in values if isinstance(each, str) and each)
        elif key in _LISTS and deeper:
            for each in values:
                yield from _named_in(each, deeper=False) if isinstance(each, dict) else ()


def written_by_shell(command: str) -> Iterator[str]:
    """The files that a shell command is certain to write, if it runs at all.

    Nothing is taken from behind a here-document, a change of folder, or a group, nor where commands are nested.
    """
    if "$(" in command or "`" in command:
        return
    text = command[: 1 << 16].replace("\\\n", "").partition("<<")[0]
    text = _COMMENT.sub("", _QUOTED.sub(_unquoted, text))
    for simple in _SEPARATOR.split(_CONDITION.sub(r"\1\0", text)):
        if _ELSEWHERE.search(simple):
            return
        yield from _REDIRECTED.findall(simple)
        if named := _NAMED.fullmatch(_READ.sub("", _REDIRECTED.sub("", simple))):
            yield from named[1].split()


def _unquoted(quoted: re.Match[str]) -> str:
    """The same word without its quotes; what would be more or something else without them becomes opaque."""
    inside = quoted[0][1:-1]
    return inside if quoted[0][-1] in "'\"" and re.fullmatch(_WORD, inside) else "\0"
