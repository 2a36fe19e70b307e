"""What an agent's tool may do: the hook is told of a call as Claude Code tells it, and denies what is another's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.guard import tools
from gitbot.guard.tools import Call, written_by, written_by_shell
from gitbot.journal import leases
from gitbot.repository.recipes import Step
from tests.conftest import ROOT, Sandbox, SandboxMaker
from tests.guard.conftest import BASE, CONFIG

NOW = 1_800_000_000.0
OWNER = "belongs to plan B (plans/PLAN-B.md:4: src/b/**)"


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """Plans A and B on main, and the work tree on agent-a."""
    return on_agent_a(sandbox(Step(branch="main", message="base", files=dict(BASE))))


def on_agent_a(box: Sandbox) -> Sandbox:
    box.git("checkout", "-q", "-b", "agent-a")
    return box


def decision(box: Sandbox, tool: str, said: dict[str, Any] | None, cwd: Path | None = None) -> str | None:
    """The reason of a denial, None for a call that may go on."""
    call = {"hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": said, "cwd": str(cwd or box.path)}
    return reason(tools.answer(json.dumps(call).encode(), Path("/"), box.env, now=NOW))


def reason(answer: dict[str, Any] | None) -> str | None:
    said = (answer or {}).get("hookSpecificOutput", {})
    assert said.get("permissionDecision", "deny") == "deny", "what is allowed is the user's own business"
    return str(said["permissionDecisionReason"]) if "permissionDecision" in said else None


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("Write", {"file_path": "{top}/src/b/two.py", "content": "x"}),
        ("Edit", {"file_path": "{top}/src/b/two.py", "old_string": "a", "new_string": "b"}),
        ("MultiEdit", {"file_path": "src/b/two.py", "edits": [{"old_string": "a", "new_string": "b"}]}),
        ("MultiEdit", {"edits": [{"file_path": "src/a/one.py"}, {"file_path": "src/b/two.py"}]}),
        ("NotebookEdit", {"notebook_path": "{top}/src/b/two.ipynb", "new_source": "x"}),
        ("str_replace_based_edit_tool", {"path": "src/b/two.py"}),
        ("mcp__filesystem__move_file", {"source": "src/a/one.py", "destination": "src/b/new.py"}),
        ("mcp__files__delete_files", {"paths": ["src/a/one.py", "src/b/two.py"]}),
        ("mcp__fs__saveFile", {"path": "src/b/two.py"}),
        ("mcp__fs__copy_file", {"source": "src/a/one.py", "destination": "src/b/two.py"}),
        ("mcp__fs__put", {"path": "src/b/two.py"}),
        ("str_replace_based_edit_tool", {"command": "create", "path": "src/b/two.py"}),
        ("apply_patch", {"input": "*** Begin Patch\n*** Update File: src/b/two.py\n@@\n-x\n*** End Patch\n"}),
        ("apply_patch", {"patch": "--- a/src/b/two.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n"}),
        ("Write", {"file_path": "src/a/../b/two.py"}),
        ("Write", {"file_path": "SRC/B/two.py"}),
        ("Write", {"file_path": "link.py"}),
        ("Write", {"file_path": "folder/../two.py"}),
        ("Bash", {"command": "echo x > src/b/two.py"}),
        ("Bash", {"command": "cat src/a/one.py | tee -a 'src/b/two.py'"}),
        ("Bash", {"command": "ls && rm -rf src/b/two.py"}),
        ("Bash", {"command": "git mv src/b/two.py src/a/two.py"}),
    ],
)
def test_writing_what_another_plan_owns_is_denied_with_its_owner(
    box: Sandbox, tool: str, said: dict[str, Any]
) -> None:
    """Also by another way of writing it down, and through a link."""
    (box.path / "src" / "b" / "inner").mkdir()
    (box.path / "link.py").symlink_to("src/b/two.py")
    (box.path / "folder").symlink_to("src/b/inner")
    given = json.loads(json.dumps(said).replace("{top}", str(box.path)))
    why = decision(box, tool, given)
    assert why is not None
    assert why.startswith("branch agent-a may not touch this: ")
    assert OWNER in why


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        ("Write", {"file_path": "src/a/new.py"}),
        ("Write", {"file_path": "package.json"}),
        ("Write", {"file_path": "/nowhere/at/all.txt"}),
        ("Write", {}),
        ("Write", None),
        ("Write", {"file_path": 7, "path": None, "edits": "x", "files": [1]}),
        ("Write", {"file_path": "a\0b"}),
        ("Read", {"file_path": "src/b/two.py"}),
        ("Grep", {"path": "src/b"}),
        ("str_replace_based_edit_tool", {"command": "view", "path": "src/b/two.py"}),
        ("mcp__ci__dispatch", {"path": "src/b/two.py"}),
        ("mcp__bank__getCredit", {"path": "src/b/two.py"}),
        ("mcp__fs__copy_file", {"source": "src/b/two.py", "destination": "src/a/two.py"}),
        ("apply_patch", {"patch": "--- a/src/a/one.py\n+++ b/src/a/one.py\n@@ -1 +1 @@\n--- src/b/two.py\n+b\n"}),
        ("TodoWrite", {"todos": []}),
        ("SomethingNew", {"path": "src/b/two.py"}),
        ("mcp__github__create_or_update_file", {"repo": "other", "path": "src/b/two.py"}),
        ("Bash", {"command": "cat src/b/two.py > /dev/null 2>&1"}),
        ("Bash", {"command": "grep '> src/b/two.py' src/b/two.py"}),
        ("Bash", {"command": ["rm", "src/b/two.py"]}),
        ("Bash", {}),
    ],
)
def test_what_is_the_branchs_own_or_no_writing_goes_on_without_a_word(
    box: Sandbox, tool: str, said: dict[str, Any] | None
) -> None:
    call = {"tool_name": tool, "tool_input": said, "cwd": str(box.path)}
    assert tools.answer(json.dumps(call).encode(), Path("/"), box.env, now=NOW) is None


def test_git_s_own_files_and_another_work_tree_are_out_of_bounds(box: Sandbox, tmp_path: Path) -> None:
    other, within = tmp_path / "other", box.path / ".trees" / "agent-c"
    box.git("worktree", "add", "-q", str(other), "-b", "agent-b", "main")
    box.git("worktree", "add", "-q", str(within), "-b", "agent-c", "main")
    assert "is in another work tree" in str(decision(box, "Write", {"file_path": f"{within}/new/x.py"}))
    assert "is git's own" in str(decision(box, "Write", {"file_path": ".git"}, other))
    why = decision(box, "Write", {"file_path": ".git/hooks/pre-push"})
    assert why == f"branch agent-a may not touch this: {box.path}/.git/hooks/pre-push is git's own"
    assert "is in another work tree" in str(decision(box, "Write", {"file_path": f"{other}/src/a/one.py"}))
    assert "is in another work tree" in str(decision(box, "Write", {"file_path": f"{box.path}/src/b/two.py"}, other))
    assert decision(box, "Write", {"file_path": "src/b/two.py"}, other) is None
    assert "is git's own" in str(decision(box, "Write", {"file_path": f"{box.path}/.git/config"}, other))
    box.git("checkout", "-q", "main")
    assert decision(box, "Write", {"file_path": f"{other}/src/a/one.py"}) is None, (
        "whoever has no plan leads the others"
    )


def test_a_file_of_nobody_is_remarked_on_or_denied_as_configured(sandbox: SandboxMaker, box: Sandbox) -> None:
    call = json.dumps({"tool_name": "Write", "tool_input": {"file_path": "README.md"}, "cwd": str(box.path)}).encode()
    assert tools.answer(call, Path("/"), box.env, now=NOW) == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "additionalContext": "gitbot: README.md is nobody's: no plan claims it",
        }
    }
    strict = {**BASE, "gitbot.toml": CONFIG + '[ownership]\nunowned = "refuse"\n'}
    other = on_agent_a(sandbox(Step(branch="main", message="base", files=strict)))
    assert "README.md is nobody's" in str(decision(other, "Write", {"file_path": "README.md"}))


def test_what_somebody_else_holds_is_denied_until_it_is_given_back(box: Sandbox) -> None:
    leases.claim(box.repository, ["docs/**"], "agent-z", seconds=600, now=NOW, reason="rewriting")
    why = decision(box, "Write", {"file_path": "docs/x.md"})
    assert str(why).endswith("docs/x.md is held by agent-z (docs/**) until 2027-01-15 08:10:00 UTC: rewriting")
    ran = box.gitbot("guard", "docs/x.md", "--format", "json")
    assert (ran.code, ran.document["paths"][0]["kind"]) == (0, "unowned"), "by today's clock it is not believed"
    leases.release(box.repository, "agent-z", now=NOW)
    assert decision(box, "Write", {"file_path": "docs/x.md"}) is None


@pytest.mark.parametrize("said", [b"", b"nonsense", b"[]", b"[" * 100_000, b'{"tool_name": 1}', b"\xff\xfe", b"{}"])
def test_a_call_that_cannot_be_read_goes_on_unless_tools_is_closed(
    sandbox: SandboxMaker, box: Sandbox, said: bytes
) -> None:
    assert tools.answer(said, box.path, box.env, now=NOW) is None
    closed = {**BASE, "gitbot.toml": CONFIG + '[ownership]\ntools = "closed"\n'}
    other = on_agent_a(sandbox(Step(branch="main", message="base", files=closed)))
    answer = tools.answer(said, other.path, other.env, now=NOW)
    assert reason(answer) == "gitbot cannot say whether this branch may do that: the call cannot be read"


def test_a_call_with_too_many_files_is_not_judged(box: Sandbox) -> None:
    many = [f"src/b/{number}.py" for number in range(tools.MOST_PATHS + 1)]
    assert decision(box, "Write", {"paths": many}) is None
    assert decision(box, "Write", {"paths": many[:2]}) is not None


def test_outside_of_any_repository_nothing_is_said(sealed_env: dict[str, str], tmp_path: Path) -> None:
    call = {"tool_name": "Write", "tool_input": {"file_path": "x"}, "cwd": str(tmp_path)}
    assert tools.answer(json.dumps(call).encode(), tmp_path, sealed_env, now=NOW) is None


def test_the_hook_answers_on_standard_output_and_always_leaves_with_0(box: Sandbox) -> None:
    """The very command of hooks/claude-code-settings.json; also for a call of 50 MB, and for no call."""
    snippet = json.loads((ROOT / "hooks" / "claude-code-settings.json").read_text())
    shown = (ROOT / "docs" / "agent-tools.md").read_text().partition("```json\n")[2].partition("```")[0]
    assert json.loads(shown) == snippet
    (entry,) = snippet["hooks"]["PreToolUse"]
    command = entry["hooks"][0]["command"].split()
    assert command[0] == "gitbot"

    def hook(said: bytes) -> subprocess.CompletedProcess[bytes]:
        program = [sys.executable, "-m", *command]
        return subprocess.run(program, cwd=box.path, env=box.env, input=said, capture_output=True, check=False)

    call = {"tool_name": "Write", "tool_input": {"file_path": "src/b/two.py", "content": "x" * 50_000_000}}
    done = hook(json.dumps(call).encode())
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout) == {
        "hookSpecificOutput": {
            "hookEventName": "PreToolUse",
            "permissionDecision": "deny",
            "permissionDecisionReason": f"branch agent-a may not touch this: src/b/two.py {OWNER}",
        }
    }
    done = hook(b"\x00\x01")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("command", "files"),
    [
        ("a > b >> c 2> d &> e >| f", ["b", "c", "d", "e", "f"]),
        ("rm -rf a b; touch c && mv d e || unlink f", ["a", "b", "c", "d", "e", "f"]),
        ("git rm -r a | tee b\nrmdir c &", ["a", "b", "c"]),
        ("rm \"a\" 'b' # c", ["a", "b"]),
        ("cat > a <<END\nrm b\nEND", ["a"]),
        ("rm a && cd b && rm c", ["a"]),
        ("rm $A ~/b *.c {d,e} `f` $(g)", []),
        ("echo 'a > b' \"c > $d > e\" > f", ["f"]),
        ("(rm a); if true; then rm b; fi", []),
        ("rm 'a", []),
        ("[[ $a > b && c > d ]] && echo x > e; (( a > b )) || rm f", ["e", "f"]),
        ('if [[ a > b ]]; then rm c; fi\n ! [[ "x y" > b ]] 2> d', ["c", "d"]),
        ("echo [[ > a; echo ]]; [ a > b ]; [[ a; echo > c ]]; [[a > d ]]", ["a", "b", "c", "d"]),
        ("if (( (a + 1) > b )); then rm c; fi; (( a > b ) ); rm d", ["c"]),
        ("ssh host \\\n  rm a\nrm \\\n  b", ["b"]),
        ("git rm -n a; git mv -n b c; rm -nf d", []),
        ("echo a>b 2>c; x=1>>d; echo \\>e =>f", ["b", "c", "d", "f"]),
        ("tee a < b > c; rm d <e; tee f <&3 <(g)", ["c", "a", "d"]),
        ("if rm a; then rm b; else ! rm c; fi; while true; do time rm d; done", ["a", "b", "c", "d"]),
        ("rm -f -- a b; rm -- -c; A=1 B='x y' rm d; A= rm $A", ["a", "b", "d"]),
        ("rm -t x y; touch -- -z", []),
    ],
)
def test_only_what_a_shell_command_is_certain_to_write_is_taken_from_it(command: str, files: list[str]) -> None:
    assert list(written_by_shell(command)) == files


VALUES = st.none() | st.integers() | st.text(max_size=5) | st.lists(st.text(max_size=5), max_size=2)
INPUTS = st.dictionaries(
    st.sampled_from(["path", "edits", "command", "files"]), VALUES | st.lists(st.just({"path": 1}))
)


@settings(max_examples=50)
@given(st.sampled_from(["Write", "Bash", "x"]), INPUTS)
def test_any_input_of_a_tool_names_texts_or_nothing(tool: str, said: dict[str, Any]) -> None:
    assert all(isinstance(path, str) for path in written_by(Call(tool, said)))


@pytest.mark.parametrize("broken", ["a plan", "an object"])
def test_closed_denies_where_the_plans_cannot_be_read(sandbox: SandboxMaker, tmp_path: Path, broken: str) -> None:
    files = {**BASE, "gitbot.toml": CONFIG + '[ownership]\ntools = "closed"\n'}
    files |= {"plans/PLAN-B.md": "---\nplan: B\nowns: [src/b/**\n---\n"} if broken == "a plan" else {}
    box = on_agent_a(sandbox(Step(branch="main", message="base", files=files)))
    if broken == "an object":
        blob = box.git("rev-parse", "main:plans/PLAN-B.md")
        (box.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    why = decision(box, "Write", {"file_path": "src/b/two.py"})
    assert str(why).startswith("gitbot cannot say whether this branch may do that: ")
    if broken == "a plan":
        assert decision(box, "Write", {"file_path": str(tmp_path / "notes.md")}) is None


def test_a_whole_path_is_judged_from_wherever_the_agent_stands(box: Sandbox, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    assert str(decision(box, "Write", {"file_path": f"{box.path}/src/b/two.py"}, outside)).endswith(OWNER)
    assert decision(box, "Write", {"file_path": f"{box.path}/src/a/one.py"}, outside) is None
    assert decision(box, "Write", {"file_path": "src/b/two.py"}, outside) is None
