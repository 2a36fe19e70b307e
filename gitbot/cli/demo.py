"""`gitbot demo`: all of it on a small repository, by the program itself as a person would call it.

The story is a recipe, fixtures/repos/demo.toml. Here it is built, checked, integrated, killed in the middle and gone
on with; then what was promised is proved from outside: from git's own reflog, by testing again, byte for byte.
"""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import click

from gitbot import gate
from gitbot.cli import Surroundings, console
from gitbot.config import Gate
from gitbot.errors import FileExistsInTheWayError, GitbotError, InputError
from gitbot.model.gate import GateStep, GateVerdict
from gitbot.model.git import Oid, RefName
from gitbot.repository import Repository, refs
from gitbot.repository.pool import Origin, cache_folder
from gitbot.repository.recipes import Recipe, build, read_recipe
from gitbot.repository.temporary import temporary_folder

RECIPE = "demo.toml"
PATTERN = "agent-*"


@click.command("demo")
@click.option("--keep", metavar="DIR", help="Build the repository in DIR, which must be new or empty.")
@click.pass_obj
def command(around: Surroundings, keep: str | None) -> int:
    """See all of it on a small repository: check, integrate, a kill in the middle, and the proofs."""
    recipe = read_recipe(_recipe())
    stage = _stage(recipe, _folder(around.here, keep), around.env)
    console.data(f"a small program, and the branches of six agents with a plan each, in\n{stage.folder}")

    console.data("\n$ gitbot check")
    checked = stage.call("check")
    errors = (block for block in checked.split("\n\n") if block.startswith("error: "))
    console.data("\n".join([checked.split("\n", 1)[0], *errors]))

    console.data(f"\n$ gitbot integrate '{PATTERN}'")
    before = stage.snapshot()
    console.data(_kill_in_the_middle(stage) + "\n")
    console.data(stage.call("integrate", PATTERN))
    document = json.loads(stage.call("runs", "last", "--format", "json"))
    return _prove(stage, before, document)


def _recipe() -> str:
    shipped = files("gitbot").joinpath(RECIPE)
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    return (Path(__file__).parents[2] / "fixtures" / "repos" / RECIPE).read_text(encoding="utf-8")


def _folder(here: Path, keep: str | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="gitbot-demo-")).resolve()
    folder = (here / keep).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise FileExistsInTheWayError(f"{folder} is not empty", hint="name a new folder")
    except OSError as refused:
        raise InputError(f"--keep {folder}: {refused.strerror}") from None
    return folder


@dataclass(frozen=True, slots=True)
class Stage:
    """The repository of the demo, and the program run on it."""

    repository: Repository
    recipe: Recipe
    folder: Path
    env: Mapping[str, str]

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """The program under way in the repository, as a process of its own that can be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "gitbot", *arguments],
            cwd=self.folder,
            env={**self.env, "COLUMNS": str(console.width())},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def call(self, *arguments: str) -> str:
        """What it says, once it is done; 1 is the story's exit code, for not every branch can land."""
        with self.start(*arguments) as process:
            said, complaints = process.communicate()
        if process.returncode not in (0, 1):
            raise GitbotError(f"gitbot {' '.join(arguments)} left with {process.returncode}\n{complaints.strip()}")
        return said

    def snapshot(self) -> dict[str, object]:
        """Everything that belongs to somebody else than gitbot, as it is now."""
        edits = {path: (self.folder / path).read_bytes() for path in self.recipe.work_tree}
        heads = {str(ref): oid for ref, oid in refs.below(self.repository, refs.HEADS) if ref != self.target}
        return {**edits, **heads, "the index": self.repository.git("diff", "--cached", self.target)}

    @property
    def target(self) -> RefName:
        """Where everything lands."""
        return RefName(refs.HEADS + self.recipe.target)


def _stage(recipe: Recipe, folder: Path, env: Mapping[str, str]) -> Stage:
    """Its git identity is the repository's own, so that the demo runs where git has not been told any."""
    own = {name: value for name, value in env.items() if name != "GITBOT_CONFIG" and not name.startswith("GIT_")}
    repository = build(recipe, folder, own)
    repository.git("config", "user.name", "gitbot demo")
    repository.git("config", "user.email", "demo@example.org")
    return Stage(repository, recipe, folder, own)


def _kill_in_the_middle(stage: Stage) -> str:
    """Start the run and kill it while it tests a branch after the first landing."""
    start = refs.read(stage.repository, stage.target)
    log = cache_folder(stage.repository) / "slot-0" / "log"
    process = stage.start("integrate", PATTERN)
    while process.poll() is None:
        if log.exists() and refs.read(stage.repository, stage.target) != start:
            process.kill()
        time.sleep(0.005)  # a test run of the story takes fifty times as long
    process.communicate()
    if process.returncode != -signal.SIGKILL:
        return "(it was over before it could be killed)"
    return "(killed by SIGKILL while the tests ran; the same command goes on from there:)"


def _prove(stage: Stage, before: Mapping[str, object], document: Mapping[str, Any]) -> int:
    """Print what held; 0 when all of it did."""
    where = list(dict.fromkeys(stage.repository.git("reflog", "--format=%H", stage.target).decode().split()))
    red = [oid for oid in where if not _passes(stage, Oid(oid), document["gate"]["command"])]
    after = stage.snapshot()
    lost = [name for name in before if after.get(name) != before[name]]
    program = _program()
    was = f"was red at {', '.join(red)}" if red else "was never red"
    edits = " and ".join(stage.recipe.work_tree)
    kept = f"changed: {', '.join(lost)}" if lost else f"untouched: {edits} (not committed), and every agent's branch"
    console.data(
        f"\nmain {was}: each of the {len(where)} commits it was at, tested again by itself\n"
        f"{kept}\n\n"
        f"the repository stays for you to look at and may be deleted; to take it all back:\n"
        f"  cd {shlex.quote(str(stage.folder))}\n"
        f"  {program} undo last\n\n"
        f"in a repository of your own this only reads:\n"
        f"  {program} status"
    )
    return 1 if red or lost else 0


def _program() -> str:
    """How this very program is called in the shell that the person types into."""
    if shutil.which("gitbot"):
        return "gitbot"
    beside = Path(sys.executable).with_name("gitbot")
    return shlex.quote(str(beside)) if beside.exists() else f"{shlex.quote(sys.executable)} -m gitbot"


def _passes(stage: Stage, commit: Oid, command: str) -> bool:
    with temporary_folder() as folder:
        job = gate.GateJob(
            commit=commit,
            steps=(GateStep("gate", command, "", 60),),
            gate=Gate(),
            seconds=60,
            origin=Origin(stage.repository.common, stage.repository.env, (stage.repository.common / "objects",)),
            folder=Path(folder),
            env=stage.env,
            target=stage.recipe.target,
        )
        return gate.run(job).judgement.verdict is GateVerdict.PASSED
