"""What the pre-push hook costs: `python -m tests.benchmarks.push_speed [--files 20000] [--plans 10] [--rounds 7]`.

Process time (children included) of the hook for a push of 20 commits, the smallest of some rounds: with the compiled
plans kept from before, without, in a repository that has no plans, where the branch has ticked a task, and where the
target has rules and nobody asked yet whether another plan's work landed. Milliseconds are those of a quiet machine;
on another one the ratio to the yardsticks decides, which are what the libraries take to be imported and what git
itself takes for the push.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from gitbot.repository.recipes import Recipe, Step, build
from tests.conftest import ROOT

COMMITS = 20
AIMS = {"plans kept": 150, "plans read": 400, "no plans": 150, "a task ticked": 150, "landing unknown": 150}


def process_time(command: Sequence[str], cwd: Path, env: Mapping[str, str], feed: Path | None = None) -> float:
    """Milliseconds of processor time that a command and its children take; it has to end well."""
    quiet = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_WRONLY, 0) for number in (1, 2)]
    given = (os.POSIX_SPAWN_OPEN, 0, str(feed or os.devnull), os.O_RDONLY, 0)
    words = ["env", "-C", str(cwd), *command]
    child = os.posix_spawn("/usr/bin/env", words, env, file_actions=[given, *quiet])
    _, status, used = os.wait4(child, 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"{' '.join(command)}: exit code {os.waitstatus_to_exitcode(status)}")
    return (used.ru_utime + used.ru_stime) * 1000


def make(folder: Path, files: int, plans: int, env: Mapping[str, str]) -> Path:
    """A repository whose branch agent-0 has commits of its own, the remote beside it, and what git tells the hook."""
    base: dict[str, str | list[str]] = {f"src/m{n // 100}/f{n % 100}.py": f"{n % 7}\n" for n in range(files)}
    for number in range(plans):
        own = "".join(f"  - src/m{part}/**\n" for part in range(number, files // 100, plans))
        tasks = "".join(f"- [ ] T{n} write src/m{number}/f{n}.py and test it in tests/m{number}\n" for n in range(10))
        base[f"plans/PLAN-{number}.md"] = f"---\nplan: {number}\nowns:\n{own}---\n# Agent {number}\n\n{tasks}"
    steps = [Step(branch="main", message="base", files=base)]
    steps += [
        Step(branch="agent-0", message=f"work {n}", files={f"src/m0/f{n}.py": "changed\n"}) for n in range(COMMITS)
    ]
    repository = build(Recipe(commit=steps), folder, env)
    repository.git("clone", "-q", "--bare", "--single-branch", "--branch=main", str(folder), f"{folder}.git")
    repository.git("remote", "add", "origin", f"{folder}.git")
    repository.git("fetch", "-q", "origin")
    tip = repository.git("rev-parse", "agent-0").decode().strip()
    (folder.parent / f"{folder.name}.lines").write_text(f"refs/heads/agent-0 {tip} refs/heads/agent-0 {'0' * 40}\n")
    return folder


def push_more(folder: Path, env: Mapping[str, str], branch: str, path: str, edit: Callable[[str], str]) -> None:
    """One more commit on a branch, which the hook is told of where it is the one that is pushed."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout

    git("checkout", "-q", *((branch,) if git("branch", "--list", branch) else ("-b", branch, "main")))
    file = folder / path
    file.write_text(edit(file.read_text() if file.exists() else ""))
    git("add", path)
    git("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-q", "-m", "more")
    if branch == "agent-0":
        tip = git("rev-parse", branch).strip()
        lines = f"refs/heads/{branch} {tip} refs/heads/{branch} {'0' * 40}\n"
        (folder.parent / f"{folder.name}.lines").write_text(lines)


def smallest(rounds: int, measure: Callable[[], float]) -> float:
    """The best of some rounds: what the machine does besides only ever adds."""
    return min(measure() for _ in range(rounds))


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--plans", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="gitbot-") as place:
        env = {"HOME": place, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "GIT_CONFIG_NOSYSTEM": "1"}
        repositories = {"plans": args.plans, "none": 0}
        at = {name: make(Path(place, name), args.files, count, env) for name, count in repositories.items()}

        def hook(name: str, *, forget: bool = False) -> float:
            if forget:
                shutil.rmtree(at[name] / ".git" / "gitbot", ignore_errors=True)
            words = [sys.executable, "-m", "gitbot", "hook", "run", "pre-push", "origin", f"{at[name]}.git"]
            return process_time(words, at[name], env, Path(f"{at[name]}.lines"))

        def imports() -> float:
            return process_time([sys.executable, "-c", "import pygit2, click"], at["plans"], env)

        def push() -> float:
            return process_time(["git", "push", "-q", "--dry-run", "origin", "agent-0"], at["plans"], env)

        hook("plans")  # once for the bytecode, and for the plans to be kept
        yardsticks = {"import pygit2, click": smallest(args.rounds, imports), "git push --dry-run": 0.0}
        yardsticks["git push --dry-run"] = smallest(args.rounds, push)
        found = {"plans read": smallest(args.rounds, lambda: hook("plans", forget=True))}
        found["plans kept"] = smallest(args.rounds, lambda: hook("plans"))
        found["no plans"] = smallest(args.rounds, lambda: hook("none"))
        push_more(at["plans"], env, "agent-0", "plans/PLAN-0.md", lambda text: text.replace("[ ]", "[x]", 1))
        found["a task ticked"] = smallest(args.rounds, lambda: hook("plans"))
        push_more(at["plans"], env, "agent-0", "src/m1/f0.py", lambda text: "changed\n")
        push_more(at["plans"], env, "agent-1", "src/m1/f1.py", lambda text: "changed\n")
        push_more(
            at["plans"],
            env,
            "main",
            "gitbot.toml",
            lambda text: 'ownership.foreign = "warn"\n[rules]\nimports = "off"\n',
        )

        def unknown() -> float:
            (at["plans"] / ".git" / "gitbot" / "landed").unlink(missing_ok=True)
            return hook("plans")

        unknown()
        found["landing unknown"] = smallest(args.rounds, unknown)
    print(f"{COMMITS} commits, {args.files} files, {args.plans} plans; processor time, best of {args.rounds}")
    for name, took in yardsticks.items():
        print(f"{name:<22}{took:>8.0f} ms")
    print("hook                        ms     aim   / imports")
    for name, took in found.items():
        print(f"{name:<22}{took:>8.0f}{AIMS[name]:>8}{took / yardsticks['import pygit2, click']:>12.2f}")


if __name__ == "__main__":
    main()
