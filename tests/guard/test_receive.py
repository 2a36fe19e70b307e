"""Real pushes to a server that runs the hook: over the file system and over git's own protocol."""

from __future__ import annotations

import itertools
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.errors import InputError
from gitbot.guard.receive import read_received
from tests.guard.conftest import BASE, Desk, DeskMaker

HOOKS = Path(__file__).parents[2] / "hooks"
REFUSAL = """\
remote: error: agent-a is not pushed: it changes what plan A does not own
remote:   src/b/two.py belongs to plan B (plans/PLAN-B.md:4: src/b/**)
remote: hint: take these changes out of the branch, or have its plan claim them on the target; \
a line `Gitbot-Reason: …` in a commit message excuses shared and unowned files, never another plan's
"""


@pytest.fixture
def served(desk: DeskMaker) -> Callable[..., Desk]:
    """A desk whose remote has the hook that `gitbot hook install` puts there by itself, and that itself has none."""

    def make(**given: object) -> Desk:
        at = desk(install=False, **given)
        done = at.gitbot("hook", "install", cwd=at.remote)
        assert (done.code, done.out) == (0, f"installed {at.remote / 'hooks' / 'pre-receive'}\n")
        return at

    return make


def said(text: str) -> str:
    """What a server said: git fills its lines up so that they cover a progress bar."""
    return "".join(line.rstrip() + "\n" for line in text.replace("\x1b[K", "").splitlines())


def test_the_server_refuses_what_a_client_without_the_hook_sends_and_keeps_nothing_of_it(
    served: Callable[..., Desk],
) -> None:
    at = served()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n", "src/b/two.py": "b = 3\n"})
    done = at.push("--no-verify", "agent-a")
    assert done.code == 1
    assert said(done.err).startswith(REFUSAL)
    assert "! [remote rejected] agent-a -> agent-a (pre-receive hook declined)" in done.err
    assert (
        at.box.git("rev-parse", "--verify", "-q", at.box.tip("agent-a") + "^{tree}", check=False, cwd=at.remote) == ""
    )
    at.commit("agent-a", {"src/b/two.py": str(BASE["src/b/two.py"])})
    done = at.push("agent-a")
    assert (done.code, done.err) == (0, "")


def test_the_server_leaves_tags_deletions_other_branches_and_the_target_alone(served: Callable[..., Desk]) -> None:
    """Also a landing on the target, whoever pushes it."""
    at = served()
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.box.git("tag", "v1")
    at.box.git("branch", "feature")
    for what in ("agent-a", "v1", "feature", ":feature"):
        done = at.push(what)
        assert (done.code, done.err) == (0, ""), what
    at.commit("main", {"src/b/two.py": "b = 4\n", "yarn.lock": "x\n"})
    at.box.git("checkout", "-q", "agent-a")
    at.box.git("merge", "-q", "--no-edit", "main")
    for what in ("main", "agent-a", "agent-a:refs/heads/aaa"):
        done = at.push(what)
        assert (done.code, done.err) == (0, ""), what


def test_what_the_same_push_brings_to_the_target_opens_no_branch(served: Callable[..., Desk]) -> None:
    """Whether the target moves is decided after this hook: here the server refuses it."""
    at = served()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    guard = at.remote / "hooks" / "update"
    guard.write_text('#!/bin/sh\ntest "$1" != refs/heads/main\n')
    guard.chmod(0o755)
    done = at.push("agent-a:main", "agent-a")
    assert done.code == 1
    first, *_ = said(done.err).splitlines()
    assert first.startswith("remote: warning: agent-a: push main by itself first, then agent-a: ")
    assert not at.remote_has("agent-a")


def test_that_the_targets_new_plans_would_allow_it_is_said(served: Callable[..., Desk]) -> None:
    at = served()
    at.commit("main", {"plans/PLAN-B.md": "---\nplan: B\nowns: [src/c/**]\n---\n# Agent B\n- [ ] write it\n"})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = at.push("main", "agent-a")
    assert done.code == 1
    assert said(done.err).startswith("remote: warning: agent-a: push main by itself first, then agent-a: ")
    assert at.push("main").code == 0
    assert at.push("agent-a").code == 0


def test_the_target_that_clients_call_a_remotes_is_the_servers_own_branch(served: Callable[..., Desk]) -> None:
    plans = {name.replace("plans/", "agents/"): text for name, text in BASE.items() if name.startswith("plans/")}
    files = {**plans, "gitbot.toml": 'target = "origin/main"\nplans = ["agents"]\nshared = ["README.md"]\n'}
    at = served(files={**files, "src/b/two.py": "b = 2\n", "README.md": "hello\n"})
    at.commit("agent-a", {"src/b/two.py": "b = 3\n", "README.md": "x\n"})
    done = at.push("agent-a")
    assert done.code == 1
    lines = [line.removeprefix("remote: ") for line in said(done.err).splitlines()[1:3]]
    assert lines == [
        "  src/b/two.py belongs to plan B (agents/PLAN-B.md:4: src/b/**)",
        "  README.md is shared by configuration, and plan A does not list it under shared",
    ]


def test_a_landed_commit_of_another_branch_under_a_plans_name_ends_no_claim(served: Callable[..., Desk]) -> None:
    """A server has no reflog and no record of runs: what came with the branch has to be the plan's."""
    at = served()
    at.commit("main", {"plans/PLAN-C.md": "---\nplan: C\nowns: [src/c/**]\n---\n# Agent C\n- [ ] write it\n"})
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-ff", "--no-edit", "agent-a")
    assert at.push("main").code == 0
    assert at.push("main^2:refs/heads/agent-b").code == 0
    at.commit("agent-c", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-c").code == 1
    at.box.git("checkout", "-q", "-B", "agent-b", "main")
    at.commit("agent-b", {"src/b/new.py": "n = 1\n"})
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-ff", "--no-edit", "agent-b")
    assert at.push("main").code == 0
    assert at.push("agent-b").code == 0
    assert at.push("agent-c").code == 0


def test_the_update_hook_refuses_one_branch_and_lets_the_others_pass(desk: DeskMaker) -> None:
    """The shipped file, copied by hand."""
    at = desk(install=False)
    (at.remote / "hooks").mkdir(exist_ok=True)
    shutil.copy(HOOKS / "update", at.remote / "hooks")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a", "agent-b")
    assert done.code == 1
    assert said(done.err).startswith(REFUSAL)
    assert (at.remote_has("agent-a"), at.remote_has("agent-b")) == (False, True)


def test_a_hook_that_a_server_had_runs_too_with_the_same_input_and_is_given_back(desk: DeskMaker) -> None:
    at = desk(install=False)
    hook = at.remote / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ncat > seen\n")
    hook.chmod(0o755)
    assert at.gitbot("hook", "install", "--server", cwd=at.remote).code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0
    assert (at.remote / "seen").read_text() == f"{'0' * 40} {at.box.tip('agent-a')} refs/heads/agent-a\n"
    assert at.gitbot("hook", "uninstall", cwd=at.remote).code == 0
    assert hook.read_text() == "#!/bin/sh\ncat > seen\n"
    assert (
        at.gitbot("hook", "status", cwd=at.remote).out == f"{at.remote}: does not fire: {hook} does not call gitbot\n"
    )


def test_the_target_of_a_server_is_what_its_head_names(served: Callable[..., Desk]) -> None:
    """As it is origin/HEAD for everybody who cloned it; and what is first pushed to an empty server is not judged."""
    at = served()
    at.box.git("checkout", "-q", "-b", "develop")
    at.commit("develop", {"plans/PLAN-B.md": "---\nplan: B\nowns: [src/a/**]\n---\n# Agent B\n"})
    assert at.push("develop").code == 0
    at.box.git("symbolic-ref", "HEAD", "refs/heads/develop", cwd=at.remote)
    at.box.git("branch", "-q", "agent-b", "develop")
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-b")
    assert done.code == 0
    assert said(done.err) == "remote: warning: agent-b: src/b/two.py is nobody's: no plan claims it\n"
    empty = at.remote.with_name("empty.git")
    at.box.git("init", "-q", "--bare", "--initial-branch=main", str(empty))
    shutil.copytree(at.remote / "hooks", empty / "hooks", dirs_exist_ok=True)
    at.box.git("push", "-q", "--mirror", str(empty))


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[[Desk], str]]:
    """Serves the folder of a desk's remote by git's own protocol, on a port of its own: gives the URL."""
    running: list[subprocess.Popen[bytes]] = []

    def start(at: Desk) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        words = ("--listen=127.0.0.1", f"--port={port}", "--reuseaddr", "--export-all", "--enable=receive-pack")
        where = (f"--base-path={at.remote.parent}", str(at.remote.parent))
        # The program itself: `git daemon` would run it as a child, which outlives what is ended here.
        program = Path(at.box.git("--exec-path"), "git-daemon")
        running.append(subprocess.Popen([program, *words, *where], env=at.box.env, stderr=subprocess.DEVNULL))
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.01)
        return f"git://127.0.0.1:{port}/{at.remote.name}"

    yield start
    for process in running:
        process.terminate()
        process.wait()


@pytest.fixture
def web() -> Iterator[Callable[[Desk], str]]:
    """Serves the folder of a desk's remote over smart http on loopback, by git's own CGI program: gives the URL."""
    running: list[ThreadingHTTPServer] = []

    def start(at: Desk) -> str:
        given = {"GIT_PROJECT_ROOT": str(at.remote.parent), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "ada"}

        class Backend(BaseHTTPRequestHandler):
            def answer(self) -> None:
                path, _, query = self.path.partition("?")
                asked = {"REQUEST_METHOD": self.command, "PATH_INFO": path, "QUERY_STRING": query}
                asked["CONTENT_TYPE"] = self.headers.get("Content-Type", "")
                asked["CONTENT_LENGTH"] = self.headers.get("Content-Length", "0")
                asked["HTTP_CONTENT_ENCODING"] = self.headers.get("Content-Encoding", "")
                body, env = self.rfile.read(int(asked["CONTENT_LENGTH"])), {**at.box.env, **given, **asked}
                done = subprocess.run(["git", "http-backend"], env=env, input=body, capture_output=True, check=True)
                head, _, said = done.stdout.partition(b"\r\n\r\n")
                self.wfile.write(b"HTTP/1.0 200 OK\r\n" + head + b"\r\n\r\n" + said)

            do_GET = do_POST = answer

            def log_message(self, format: str, *_: object) -> None:
                """Tests are quiet."""

        running.append(ThreadingHTTPServer(("127.0.0.1", 0), Backend))
        threading.Thread(target=running[-1].serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{running[-1].server_port}/{at.remote.name}"

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("way", ["daemon", "web"])
def test_a_client_elsewhere_reads_the_refusal_too(
    served: Callable[..., Desk], way: str, request: pytest.FixtureRequest
) -> None:
    at = served()
    at.box.git("remote", "set-url", "origin", request.getfixturevalue(way)(at))
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a", "agent-b")
    assert done.code == 1
    assert said(done.err).startswith(REFUSAL)
    assert "(pre-receive hook declined)" in done.err
    done = at.push("agent-b")
    assert (done.code, done.err) == (0, "")
    assert at.remote_has("agent-b")


def test_lines_are_read_one_by_one() -> None:
    """There may be many thousands, and no line is asked for before the one ahead of it has been judged."""
    lines = (b"%s %s refs/heads/b%d\n" % (b"0" * 40, b"a" * 40, number) for number in itertools.count())
    updates = read_received(lines)
    assert [next(updates).branch for _ in range(3)] == ["b0", "b1", "b2"]


@given(st.lists(st.binary()))
def test_any_lines_are_read_as_updates_or_refused_as_input(lines: list[bytes]) -> None:
    try:
        list(read_received(lines))
    except InputError:
        assert lines


def test_what_is_no_line_of_a_push_is_bad_input_for_the_server_hooks(served: Callable[..., Desk]) -> None:
    at = served()
    assert at.box.gitbot("hook", "run", "update", "refs/heads/a", "x", "y").code == 2
    assert at.box.gitbot("hook", "run", "update").code == 2


def test_plans_are_read_in_a_work_tree_of_a_bare_repository_too(served: Callable[..., Desk], tmp_path: Path) -> None:
    """Where people work beside a bare repository, the hook that is wanted is theirs."""
    at = served()
    tree = tmp_path / "tree"
    at.box.git("worktree", "add", "-q", "-b", "agent-a", str(tree), "main", cwd=at.remote)
    inside = replace(at, box=replace(at.box, path=tree))
    done = inside.gitbot("hook", "install")
    assert (done.code, done.out) == (0, f"installed {at.remote / 'hooks' / 'pre-push'}\n")
    at.box.git("remote", "set-url", "origin", str(at.box.path), cwd=at.remote)
    inside.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=tree)
    assert inside.push("HEAD:refs/heads/agent-a").code == 1
    assert inside.push("HEAD:refs/heads/topic", "--dry-run", cwd=at.remote).code == 0
