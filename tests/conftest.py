"""Real repositories, sealed from the machine: own HOME, no inherited GIT_*, fixed identity."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
import pytest
from hypothesis import settings
from pygit2.enums import ConfigLevel

from gitbot.model.git import Oid
from gitbot.repository import Repository, open_repository
from gitbot.repository.recipes import Recipe, Step, build
from tests.untouched import Watch

settings.register_profile("gitbot", deadline=None)  # how long an example takes says nothing on a busy machine
settings.load_profile("gitbot")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def sealed_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which everything under test runs."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Grace Hopper\n\temail = grace@example.org\n[init]\n\tdefaultBranch = main\n"
    )
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV")}
    return kept | {
        "HOME": str(home),
        "XDG_CACHE_HOME": str(home / "cache"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(ROOT),
        "PYTHONPYCACHEPREFIX": str(home / "bytecode"),
        "TERM": "dumb",
    }


@pytest.fixture(autouse=True, scope="session")
def _sealed_libgit2(sealed_env: dict[str, str]) -> None:
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.PROGRAMDATA):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = sealed_env["HOME"]


@pytest.fixture(autouse=True)
def _sealed_process(sealed_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITBOT_")):
            monkeypatch.delenv(name)
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, sealed_env[name])


@dataclass(frozen=True, slots=True)
class Ran:
    """How one call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its JSON answer."""
        found: dict[str, Any] = json.loads(self.out)
        return found

    @property
    def branches(self) -> dict[str, dict[str, Any]]:
        """The branches of an integrate document by name."""
        return {branch["branch"]: branch for branch in self.document["branches"]}

    @property
    def outcomes(self) -> dict[str, str]:
        """What became of each branch, in the document's order: "landed by squash", "set-aside: gate"."""
        return {name: _in_words(branch) for name, branch in self.branches.items()}


def _in_words(branch: dict[str, Any]) -> str:
    if branch["outcome"] == "landed":
        return f"landed by {branch['strategy']}"
    return f"{branch['outcome']}: {branch['reason']}" if branch["reason"] else str(branch["outcome"])


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One real repository and the program run on it as a user would."""

    path: Path
    env: Mapping[str, str]

    @property
    def repository(self) -> Repository:
        return open_repository(self.path, self.env)

    def git(self, *arguments: str, check: bool = True, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.path, env=self.env, capture_output=True, text=True, check=False
        )
        if check and done.returncode:
            raise AssertionError(f"git {arguments}: {done.stderr}")
        return done.stdout.strip()

    def gitbot(self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "gitbot", *arguments],
            cwd=cwd or self.path,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """The program left running; who starts it ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "gitbot", *arguments],
            cwd=self.path,
            env={**self.env, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background job ignores SIGINT and hands that down; a person's terminal does not.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def integrate(
        self, *arguments: str, gate: str = "sh gate.sh", env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Ran:
        """`gitbot integrate … --format json` with a gate, and the proof that it left the user's own things alone."""
        with_gate = () if "--no-gate" in arguments or not gate else ("--gate", gate)
        into = arguments[arguments.index("--into") + 1] if "--into" in arguments else "main"
        with self.watched(into, dry="--dry-run" in arguments):
            ran = self.gitbot("integrate", *arguments, *with_gate, "--format", "json", env=env, cwd=cwd)
        assert ran.code != 70, ran.err
        assert "Traceback" not in ran.err
        return ran

    @contextmanager
    def watched(self, target: str = "main", *, dry: bool = False, settled: bool = True) -> Iterator[None]:
        """Proves that whatever happens inside changes nothing but the target; `dry`: not one byte at all."""
        watch = Watch(self.path, self.env, target)
        before, everything = watch.belongings(), watch.everything() if dry else {}
        yield
        watch.compare(before, settled=settled)
        if dry:
            assert watch.everything() == everything

    def tip(self, name: str) -> Oid:
        return Oid(self.git("rev-parse", "--verify", name + "^{commit}"))

    def show(self, name: str, path: str) -> str:
        return self.git("show", f"{name}:{path}")


SandboxMaker = Callable[..., Sandbox]


@pytest.fixture
def sandbox(tmp_path: Path, sealed_env: dict[str, str]) -> SandboxMaker:
    """Makes a repository from steps or a recipe: `sandbox(Step(…), …)`."""
    made = iter(range(100))

    def make(*steps: Step, recipe: Recipe | None = None, bare: bool = False) -> Sandbox:
        folder = tmp_path / f"repository-{next(made)}"
        build(recipe or Recipe(commit=list(steps)), folder, sealed_env, bare=bare)
        return Sandbox(folder, sealed_env)

    return make


def step(
    branch: str,
    files: Mapping[str, str | list[str]] | None = None,
    message: str = "",
    *,
    start: str | None = None,
    delete: Sequence[str] = (),
    merge: str | None = None,
    author: str = "Ada Lovelace <ada@example.org>",
) -> Step:
    """`step("agent-a", {"a.txt": "text"}, "message")`: one commit of a recipe."""
    return Step(
        branch=branch,
        message=message or f"{branch}: change",
        start=start,
        files=dict(files or {}),
        delete=list(delete),
        merge=merge,
        author=author,
    )
