"""A run that can be killed, the same run left alone, and everything that a kill must not leave behind.

The program is forked from a process that has it loaded already: what is killed is the real thing with its real
children, and thousands of kills are affordable.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

from gitbot.cli import main
from gitbot.journal import runs
from gitbot.journal.runs import Journal
from gitbot.model.run import Record
from gitbot.repository import checkouts, open_repository, refs
from gitbot.repository.recipes import Recipe, Step, build
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox, step

for _command in ("integrate", "undo", "runs"):
    importlib.import_module(f"gitbot.cli.{_command}")

P = ParamSpec("P")
T = TypeVar("T")
Aim = Literal["process", "group", "everything", "SIGTERM", "SIGINT"]
AIMS: tuple[Aim, ...] = ("process", "group", "everything", "SIGTERM", "SIGINT")
MARK = "GITBOT_FAULTS"  # in the environment of whatever a world starts
PATIENCE = 180.0  # seconds for one run, on a busy machine
# Red wherever a text says BROKEN, and where left and right came together.
GATE = ["sleep 0.05", "if grep -l BROKEN *.txt; then exit 1; fi", "! { [ -e left.txt ] && [ -e right.txt ]; }"]


def story(rng: random.Random, *, jobs: int) -> list[Step]:
    """A main and its agents: most land, some are red, some conflict.

    With more than one gate at once no two branches conflict or break each other: who of them is first is a matter
    of time then, also in a run that nobody disturbs.
    """
    kinds = ["good", "good", "wip", *rng.choices(["good", "red", "conflict", "two"], k=2)]
    if jobs == 1 and rng.random() < 0.5:
        kinds += ["left", "right"]
    rng.shuffle(kinds)
    begun = step("main", {"gate.sh": GATE, "a.txt": ["one", "two", "three"]}, "base")
    return [begun, *_branches(kinds), step("main", {"a.txt": "theirs\n"})]


def _branches(kinds: Sequence[str]) -> Iterator[Step]:
    for number, kind in enumerate(kinds):
        name = f"agent-{number}"
        match kind:
            case "red":
                yield step(name, {f"{number}.txt": "BROKEN\n"})
            case "conflict":
                yield step(name, {"a.txt": f"{number}\n"})
            case "left" | "right":
                yield step(name, {f"{kind}.txt": "half\n"})
            case _:
                yield step(name, {f"{number}.txt": f"{kind}\n", f"lib/{number}.py": "x = 1\n"}, kind)
                if kind == "two":
                    yield step(name, {f"{number}.txt": "more\n"}, "more")


@dataclass(slots=True)
class World:
    """One repository in which runs are killed."""

    box: Sandbox
    jobs: int = 1
    gates: dict[str, bool] = field(default_factory=dict)  # what the gate says of trees, by running it

    @property
    def command(self) -> tuple[str, ...]:
        """What is run again and again."""
        return ("integrate", "agent-*", "--gate", "sh gate.sh", "--jobs", str(self.jobs), "--format", "json")

    @property
    def env(self) -> dict[str, str]:
        """The sandbox's, with a folder of its own for everything that is left outside the repository."""
        own = self.box.path.with_name(self.box.path.name + "-outside")
        (own / "tmp").mkdir(parents=True, exist_ok=True)
        return {**self.box.env, "XDG_CACHE_HOME": str(own / "cache"), "TMPDIR": str(own / "tmp"), MARK: str(own)}

    def start(self, *command: str, moment: int = 0) -> Child:
        """The program under way; `moment`: it kills itself right after its nth effect."""
        child = Child(self, command or self.command)
        child.pid = os.fork()
        if child.pid == 0:
            child.become(moment)
        with contextlib.suppress(OSError):  # whoever of the two is first
            os.setpgid(child.pid, child.pid)
        return child

    def run(self, *command: str) -> Child:
        """The program at its end."""
        child = self.start(*command)
        child.wait()
        return child

    def has(self, kind: type[Record]) -> bool:
        """Whether the last run has come to such a record."""
        repository = open_repository(self.box.path, self.box.env)
        run = runs.latest(repository)
        return run is not None and any(isinstance(one, kind) for one in runs.read(repository, run))

    def document(self) -> dict[str, Any]:
        """That of the last run."""
        child = self.run("runs", "last", "--format", "json")
        found: dict[str, Any] = json.loads(child.out)
        return found

    def essence(self, document: dict[str, Any]) -> dict[str, Any]:
        """The document without what no two runs have in common: id, times, folder, oids that hang on a date."""
        text = json.dumps(document | {"run": "RUN", "gate": document["gate"] | {"seconds": 0}})
        text = text.replace(document["run"], "RUN").replace(str(self.box.path), "HERE")
        for commit in set(re.findall(r"\b[0-9a-f]{40}\b", text)):
            text = text.replace(commit, self.box.git("rev-parse", f"{commit}^{{tree}}"))
        found: dict[str, Any] = json.loads(text)
        return found

    # What must hold

    def positions(self) -> list[str]:
        """Every commit that main has ever been at."""
        return self.box.git("log", "-g", "--format=%H", "main").splitlines()

    def red(self) -> list[str]:
        """Commits at which main was red, by running the gate on each again."""
        found = []
        for commit in (*self.positions(), self.box.git("rev-parse", "main")):
            tree = self.box.git("rev-parse", f"{commit}^{{tree}}")
            if tree not in self.gates:
                folder = self.box.path.with_name("again")
                folder.mkdir()
                archive = f"git archive {tree} | tar -x -C {folder} && cd {folder} && sh gate.sh"
                done = subprocess.run(["sh", "-c", archive], cwd=self.box.path, env=self.box.env, capture_output=True)
                self.gates[tree] = done.returncode == 0
                shutil.rmtree(folder)
            if not self.gates[tree]:
                found.append(commit)
        return found

    def branches(self) -> dict[str, str]:
        """Where everything but main is."""
        listed = self.box.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads", "refs/tags")
        found = dict(line.split(" ") for line in listed.splitlines())
        return {ref: oid for ref, oid in found.items() if ref != "refs/heads/main"}

    def leftovers(self) -> list[str]:
        """What a run must not leave: locks, scratch, entries of work trees, processes, slots in use, damage."""
        common = self.box.path / ".git"
        found = [str(path) for path in common.rglob("*.lock")]
        names = ("worktrees", "gitbot/scratch", "gitbot/index", "gitbot-follow", "gitbot-index")
        found += [name for name in names if (common / name).exists()]
        found += [str(path) for path in Path(self.env["TMPDIR"]).iterdir()]
        found += [f"process {pid}" for pid in self.processes()]
        found += [f"{lock} is held" for lock in Path(self.env[MARK]).rglob("slot-*.lock") if _is_held(lock)]
        found += self.box.git("status", "--porcelain").splitlines()
        sound = subprocess.run(
            ["git", "fsck", "--no-dangling"], cwd=self.box.path, env=self.box.env, capture_output=True, text=True
        )
        return found + [line for line in (sound.stdout + sound.stderr).splitlines() if "notice" not in line]

    def processes(self) -> list[int]:
        """Whatever still runs of all that was started here."""
        mark, found = f"{MARK}={self.env[MARK]}".encode(), []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found


@dataclass(slots=True)
class Child:
    """One start of the program, in a process group of its own."""

    world: World
    command: Sequence[str]
    pid: int = 0
    status: int | None = None

    @property
    def _said(self) -> Path:
        return Path(self.world.env[MARK])

    @property
    def out(self) -> str:
        """Its standard output."""
        return (self._said / "out").read_text()

    @property
    def err(self) -> str:
        """Its standard error."""
        return (self._said / "err").read_text()

    def become(self, moment: int) -> None:
        """Turn this process, a fork, into the program."""
        code = 70
        try:
            os.setpgid(0, 0)
            os.chdir(self.world.box.path)
            env = self.world.env
            os.environ.clear()
            os.environ.update(env)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for name, number in (("out", 1), ("err", 2)):
                os.dup2(os.open(self._said / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            gc.freeze()  # or what is garbage there closes, when it is collected here, descriptors of that number
            os.closerange(3, 256)  # what belongs to the process that this is a fork of
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            if moment:
                _be_mortal(moment)
            code = main(list(self.command))
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def wait(self, seconds: float = PATIENCE) -> bool:
        """Until it has ended, or so long; whether it has."""
        deadline = time.monotonic() + seconds
        while self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
            elif time.monotonic() >= deadline:
                return False
            else:
                time.sleep(0.002)
        return True

    def kill(self, aim: Aim) -> None:
        """End it and see it gone."""
        match aim:
            case "process":
                os.kill(self.pid, signal.SIGKILL)
            case "group":
                os.killpg(self.pid, signal.SIGKILL)
            case "everything":
                for pid in (self.pid, *self.world.processes()):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
            case "SIGTERM" | "SIGINT":
                os.killpg(self.pid, signal.Signals[aim])
        assert self.wait(), "it would not die"


def _be_mortal(moment: int) -> None:
    """Kill this process right after its nth record, move of a reference, promotion or checkout."""
    left = [moment]

    def mortal(effect: Callable[P, T]) -> Callable[P, T]:
        def watched(*arguments: P.args, **more: P.kwargs) -> T:
            answer = effect(*arguments, **more)
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return answer

        return watched

    effects: tuple[tuple[Any, str], ...] = (
        (Journal, "append"),
        (refs, "swap"),
        (refs, "append"),
        (checkouts, "follow"),
        (Workbench, "promote"),
    )
    for owner, name in effects:
        setattr(owner, name, mortal(getattr(owner, name)))


def _is_held(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def settle(world: World) -> None:
    """Until what was killed is gone with all that it had started."""
    deadline = time.monotonic() + 30
    while world.processes() and time.monotonic() < deadline:
        time.sleep(0.01)


def made(steps: Sequence[Step], folder: Path, env: Mapping[str, str], jobs: int) -> World:
    """A world with a repository of its own."""
    build(Recipe(commit=list(steps)), folder, env)
    return World(Sandbox(folder, env), jobs)
