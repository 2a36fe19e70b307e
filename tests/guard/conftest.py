"""A repository with plans, a bare remote, the hook installed, and `gitbot` on PATH: pushes are real pushes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gitbot.cli import main
from gitbot.model.plan import Access, Claim, Plan, PlanId, Source
from gitbot.repository.recipes import Step
from tests.conftest import Ran, Sandbox, SandboxMaker

PLAN_A = "---\nplan: A\nowns: [src/a/**]\nshared: [package.json]\n---\n# Agent A\n- [ ] write it\n"
PLAN_B = "---\nplan: B\nowns:\n  - src/b/**\n---\n# Agent B\n- [ ] write it\n"
CONFIG = 'shared = ["package.json", "yarn.lock"]\n'
BASE: Mapping[str, str | list[str]] = {
    "plans/PLAN-A.md": PLAN_A,
    "plans/PLAN-B.md": PLAN_B,
    "gitbot.toml": CONFIG,
    "src/a/one.py": "a = 1\n",
    "src/b/two.py": "b = 2\nbb = 22\nbbb = 222\n",
    "package.json": "{}\n",
    "yarn.lock": "#\n",
    "README.md": "hello\n",
}


@dataclass(frozen=True, slots=True)
class Desk:
    """A clone at work: its sandbox, and the bare repository that it pushes to."""

    box: Sandbox
    remote: Path

    def commit(
        self, branch: str, files: Mapping[str, str | None], message: str = "work", cwd: Path | None = None
    ) -> None:
        """Write files (None deletes) and commit them on a branch, made from main when it is new."""
        where = cwd or self.box.path
        if cwd is None:
            known = self.box.git("branch", "--list", branch)
            self.box.git("checkout", "-q", *(() if known else ("-b",)), branch, *(() if known else ("main",)))
        for name, text in files.items():
            path = where / name
            if text is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.box.git("add", "-A", cwd=where)
        self.box.git("commit", "-q", "--allow-empty", "-m", message, cwd=where)

    def gitbot(self, *arguments: str, cwd: Path | None = None) -> Ran:
        """The program as a user would run it, without a process of its own."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(cwd or self.box.path)
            for name in os.environ.keys() - self.box.env.keys():
                patch.delenv(name)
            for name, value in self.box.env.items():
                patch.setenv(name, value)
            code = main(list(arguments))
        return Ran(code, out.getvalue(), err.getvalue())

    def push(self, *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Ran:
        done = subprocess.run(
            ["git", "push", "-q", "origin", *arguments],
            cwd=cwd or self.box.path,
            env={**self.box.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def hook(self, lines: str) -> Ran:
        """The hook alone, told by hand what git would tell it."""
        done = subprocess.run(
            [sys.executable, "-m", "gitbot", "hook", "run", "pre-push", "origin", "url"],
            cwd=self.box.path,
            env=self.box.env,
            input=lines,
            capture_output=True,
            text=True,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def remote_has(self, branch: str) -> bool:
        return bool(self.box.git("ls-remote", str(self.remote), f"refs/heads/{branch}"))


DeskMaker = Callable[..., Desk]


@pytest.fixture
def path_with_gitbot(tmp_path: Path, sealed_env: dict[str, str]) -> str:
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "gitbot"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gitbot "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{sealed_env['PATH']}"


@pytest.fixture
def desk(tmp_path: Path, sandbox: SandboxMaker, path_with_gitbot: str) -> DeskMaker:
    """Makes a desk: `desk()` has plans A and B on main, `desk(files={…})` what is given."""

    def make(files: Mapping[str, str | list[str]] = BASE, *, install: bool = True, name: str = "remote.git") -> Desk:
        box = sandbox(Step(branch="main", message="base", files=dict(files)))
        box = replace(box, env={**box.env, "PATH": path_with_gitbot})
        remote = tmp_path / name
        box.git("clone", "-q", "--bare", str(box.path), str(remote))
        box.git("remote", "add", "origin", str(remote))
        box.git("fetch", "-q", "origin")
        made = Desk(box, remote)
        assert not install or made.gitbot("hook", "install").code == 0
        return made

    return make


def claim(pattern: str, access: Access = Access.OWN, *, line: int = 3, inferred: bool = False) -> Claim:
    return Claim(pattern, access, Source.INFERRED if inferred else Source.DECLARED, line, 0.6 if inferred else 1.0)


def plan(
    name: str, owns: Sequence[str | Claim] = (), shared: Sequence[str] = (), *, reads: Sequence[str] = ()
) -> Plan:
    claims = [each if isinstance(each, Claim) else claim(each) for each in owns]
    claims += [claim(pattern, Access.SHARED) for pattern in shared]
    claims += [claim(pattern, Access.READ) for pattern in reads]
    return Plan(id=PlanId(name), path=f"plans/{name}.md", format="canonical", claims=tuple(claims))
