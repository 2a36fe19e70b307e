"""`gitbot mcp`, asked by the official SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.types import TextContent

from gitbot.cli import main
from gitbot.repository.recipes import Step
from tests.conftest import Sandbox, SandboxMaker
from tests.guard.conftest import BASE

Ask = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Plans A and B on main, and the work tree on agent-a."""
    box = sandbox(Step(branch="main", message="base", files=dict(BASE)))
    box.git("checkout", "-q", "-b", "agent-a")
    return box


def session(box: Sandbox, talk: Callable[[ClientSession, Ask], Awaitable[None]]) -> None:
    """One server, and a client that talks to it; `ask` gives a tool's answer, or the words of its error."""

    async def run() -> None:
        parameters = StdioServerParameters(
            command=sys.executable, args=["-m", "gitbot", "mcp"], cwd=box.path, env=dict(box.env)
        )
        async with stdio_client(parameters) as streams, ClientSession(*streams) as client:
            await client.initialize()

            async def ask(tool: str, **arguments: object) -> object:
                answer = await client.call_tool(tool, arguments)
                (content,) = answer.content
                assert isinstance(content, TextContent)
                return content.text if answer.is_error or tool == "my_brief" else json.loads(content.text)

            await talk(client, ask)

    asyncio.run(run())


def test_an_agent_asks_who_owns_a_path_holds_one_reads_its_brief_and_hears_of_others(box: Sandbox) -> None:
    async def talk(client: ClientSession, ask: Ask) -> None:
        listed = await client.list_tools()
        assert {tool.name for tool in listed.tools} == {
            *("who_owns", "may_touch", "claim", "release", "held", "my_brief", "emit", "wait")
        }
        assert all(tool.description for tool in listed.tools)
        owned = await ask("who_owns", path="src/b/two.py")
        assert (owned["kind"], owned["claim"]["owner"], owned["claim"]["line"]) == ("foreign", "B", 4)
        shared = await ask("who_owns", path="package.json")
        assert (shared["kind"], shared["text"]) == ("shared", "package.json is shared by configuration")
        assert (await ask("who_owns", path="README.md"))["kind"] == "unowned"

        asked = await ask("may_touch", paths=["src/a/x.py", "src/b/two.py", "../outside"])
        assert asked["branch"] == "agent-a"
        assert asked["plans"] == ["A"]
        assert [(path["kind"], path["allowed"]) for path in asked["paths"]] == [
            ("own", True),
            ("foreign", False),
            ("outside", False),
        ]
        refused = await ask("claim", patterns=["docs/**", "src/*/two.py"])
        assert refused == {
            "claimed": False,
            "text": "src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)",
        }
        for pattern in ("plans/PLAN-B.md", "Plans/plan-b.md", "plans/*-B.md"):
            refused = await ask("claim", patterns=[pattern])
            assert refused == {"claimed": False, "text": "plans/PLAN-B.md is the plan file of plan B"}
        assert (await ask("held")) == {"leases": []}
        assert (await ask("claim", patterns=["docs/**"], minutes=5, reason="the guide"))["claimed"]
        late = await ask("claim", patterns=["docs/index.md"], holder="agent-z")
        assert late["text"].startswith("docs/index.md is held by agent-a (docs/**) until ")
        (other,) = (await ask("may_touch", paths=["docs/x.md"], branch="agent-b"))["paths"]
        assert (other["kind"], other["allowed"]) == ("leased", False)
        assert [lease["pattern"] for lease in (await ask("release"))["released"]] == ["docs/**"]
        assert (await ask("held")) == {"leases": []}

        mine = await ask("my_brief")
        assert "`src/a/**`" in mine
        assert "Branch: `agent-b`" in await ask("my_brief", plan="B")
        waits = asyncio.create_task(ask("wait", events=["schema_ready"], timeout_seconds=60))
        await asyncio.sleep(0.3)
        emitted = (await ask("emit", event="schema_ready", data={"version": 2}))["event"]
        seen = await waits
        assert (seen["end"], seen["missing"]) == ("seen", [])
        assert seen["seen"] == [emitted]
        assert (emitted["actor"], emitted["data"]) == ("A", {"version": 2})
        assert (await ask("wait", events=["never"], timeout_seconds=0))["end"] == "timed-out"
        absent = await ask("wait", commit="parser", branch="agent-b", timeout_seconds=0)
        assert (absent["end"], absent["commit"]) == ("timed-out", None)
        box.git("branch", "agent-b", "main")
        waits = asyncio.create_task(ask("wait", commit="parser", branch="agent-b", timeout_seconds=60))
        oid = box.git("commit-tree", "-p", "main", "-m", "feat: parser", "main^{tree}")
        box.git("update-ref", "-m", "commit: feat: parser", "refs/heads/agent-b", oid)
        assert (await waits)["commit"] == {"oid": oid, "subject": "feat: parser"}
        assert box.gitbot("events", "--format", "json").out.count("schema_ready") == 1

    session(box, talk)


def test_arguments_of_a_stranger_are_answered_in_words_and_a_wait_ends_with_its_client(box: Sandbox) -> None:
    hostile: list[tuple[str, dict[str, object], str]] = [
        ("who_owns", {"path": "../../etc/passwd"}, "outside of the repository"),
        ("who_owns", {"path": "/etc/passwd"}, "outside of the repository"),
        ("who_owns", {"path": "a\0b"}, "outside of the repository"),
        ("who_owns", {"path": ".git/config"}, "outside of the repository"),
        ("who_owns", {}, "validation error"),
        ("may_touch", {"paths": "x"}, "validation error"),
        ("may_touch", {"paths": ["x"] * 10_001}, "validation error"),
        ("may_touch", {"paths": ["x"], "branch": "nobody\x1b[2J"}, "is no branch here"),
        ("claim", {"patterns": ["../x"]}, "climbs out of the repository"),
        ("claim", {"patterns": ["x" * 2000]}, "2000 characters"),
        ("claim", {"patterns": ["x"], "minutes": 1e300}, "a lease lasts"),
        ("claim", {"patterns": ["x"], "holder": "a\x1b]0;b"}, "one line"),
        ("release", {"patterns": ["[" * 100 + "{a,b}" * 100 + "/../x"]}, "climbs out"),
        ("my_brief", {"plan": "\x1b[2J"}, "there is no plan"),
        ("emit", {"event": "two words"}, "is no name of an event"),
        ("emit", {"event": "x", "data": {"a": "b" * 10_000}}, "8192"),
        ("wait", {"events": []}, "nothing to wait for"),
        ("wait", {"events": ["x"], "timeout_seconds": 1e9}, "validation error"),
        ("no_such_tool", {}, "no_such_tool"),
    ]

    async def talk(client: ClientSession, ask: Ask) -> None:
        for tool, arguments, words in hostile:
            answer = await ask(tool, **arguments)
            assert isinstance(answer, str), (tool, arguments, answer)
            assert words in answer
            assert "Traceback" not in answer
            assert "\x1b" not in answer
        assert (await ask("held")) == {"leases": []}
        waits = asyncio.create_task(ask("wait", events=["never"], timeout_seconds=3000))
        await asyncio.sleep(0.3)
        waits.cancel()

    session(box, talk)


def test_outside_of_a_repository_and_without_the_extra_it_says_so_at_once(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(box.path.parent)
    assert main(["mcp"]) == 2
    assert "is not inside a git repository" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert main(["mcp"]) == 2
    said = "error: gitbot mcp needs the extra `mcp`\nhint: pip install 'gitbot-merge[mcp]'\n"
    assert tuple(capsys.readouterr()) == ("", said)
