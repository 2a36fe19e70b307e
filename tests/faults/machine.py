"""Runs as a state machine: `python -m tests.faults.machine --examples N [--steps S] [--jobs J]`.

People and agents commit, delete and sweep, runs are killed right after any of their effects and started again, what
landed is taken back, in any order. All the while main is green and no branch moved by a run; in the end all that can
land has landed, and the plain queue, left alone in a copy that remembers no run, makes the same of it.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pygit2
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pygit2.enums import FileMode

from gitbot.model.run import Delivered
from tests.conftest import Sandbox, step
from tests.faults.soak import MOMENTS, sealed
from tests.faults.world import GATE, Child, World, made, settle

AGENTS = [f"agent-{number}" for number in range(4)]
DONE = {"landed", "already-landed", "empty"}


class Runs(RuleBasedStateMachine):
    """One repository, and all that may happen to it."""

    def __init__(self, folder: Path, env: Mapping[str, str], jobs: int) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        begun = [step("main", {"gate.sh": GATE, "a.txt": "one\n"}, "base"), step(AGENTS[0], {"0.txt": "good\n"})]
        self.world = made(begun, self.folder / "repository", env, jobs)
        self.count = 0

    @property
    def box(self) -> Sandbox:
        """The repository."""
        return self.world.box

    # What others do

    @rule(agent=st.sampled_from(AGENTS), kind=st.sampled_from(["new", "new", "red", "mended", "shared"]))
    def an_agent_commits(self, agent: str, kind: str) -> None:
        """A file of its own, one by which it is red or no more, or a line that others write too."""
        self.count += 1
        new = {"new": f"{agent}-{self.count}.txt", "shared": "a.txt"}.get(kind, f"{agent}.txt")
        text = {"red": "BROKEN\n", "mended": "fine\n"}.get(kind, f"{self.count}\n")
        repository, ref = pygit2.Repository(str(self.box.path)), f"refs/heads/{agent}"
        parent = repository.revparse_single(agent if ref in repository.references else "main").peel(pygit2.Commit)
        index, who = pygit2.Index(), pygit2.Signature("Ada Lovelace", "ada@example.org", 1_700_000_000 + self.count)
        index.read_tree(parent.tree)
        index.add(pygit2.IndexEntry(new, repository.create_blob(text.encode()), FileMode.BLOB))
        repository.create_commit(ref, who, who, f"{kind} {self.count}", index.write_tree(repository), [parent.id])

    @precondition(lambda self: len(self.world.branches()) > 1)
    @rule(data=st.data())
    def somebody_deletes_a_branch(self, data: st.DataObject) -> None:
        """Also one that a run has begun with."""
        self.box.git("update-ref", "-d", data.draw(st.sampled_from(sorted(self.world.branches()))))

    @precondition(lambda self: not self.box.git("status", "--porcelain"))
    @rule()
    def somebody_commits_to_main(self) -> None:
        """In the main work tree, where that follows main."""
        self.count += 1
        (self.box.path / f"theirs-{self.count}.txt").write_text("theirs\n")
        self.box.git("add", ".")
        self.box.git("commit", "-q", "-m", f"theirs {self.count}")

    @rule()
    def the_objects_are_swept(self) -> None:
        """All that no reference holds is gone."""
        self.box.git("reflog", "expire", "--expire=all", *self.world.branches(), check=False)
        self.box.git("gc", "-q", "--prune=now")

    # What runs do

    @rule(moment=st.integers(1, MOMENTS))
    def a_run_is_killed(self, moment: int) -> None:
        """Right after an effect, or at its end if it has not so many."""
        child = self._ours(moment=moment)
        assert child.status in (0, 1, -signal.SIGKILL), child.err
        settle(self.world)

    @rule()
    def a_run_comes_to_its_end(self) -> None:
        """Another one, or the one that was killed."""
        self._document()

    @rule()
    def the_last_run_is_taken_back(self) -> None:
        """Or it refuses: nothing landed, it is taken back already, others have built on it, a checkout lags."""
        child = self._ours("undo")
        assert child.status in (0, 2, 4), child.err

    @rule(moment=st.integers(1, 4))
    def an_undo_is_killed(self, moment: int) -> None:
        """Right after an effect: the same again takes back what is not, and a run goes on from wherever main is."""
        child = self._ours("undo", moment=moment)
        assert child.status in (0, 2, 4, -signal.SIGKILL), child.err
        settle(self.world)

    def _ours(self, *command: str, moment: int = 0) -> Child:
        """Whatever a command of ours does, the branches are where they were."""
        before = self.world.branches()
        child = self.world.start(*command, moment=moment)
        assert child.wait()
        assert self.world.branches() == before
        return child

    def _document(self) -> dict[str, Any]:
        child = self._ours()
        assert child.status in (0, 1), child.err
        assert self.world.has(Delivered)
        assert self.world.leftovers() == []
        found: dict[str, Any] = json.loads(child.out)
        return found

    # What holds

    @invariant()
    def main_has_never_been_red(self) -> None:
        """By running the gate again on every commit that main was at."""
        assert self.world.red() == []

    def teardown(self) -> None:
        """Whatever was begun ends; then one more run brings all that is new to its end, as the plain queue does."""
        if not sys.exc_info()[0]:
            self._document()
            alone = self._alone()
            for branch in self._document()["branches"]:
                self._is_right(branch)
            self.main_has_never_been_red()
            assert alone.run(*alone.command, "--queue", "serial").status in (0, 1)
            assert self.box.git("rev-parse", "main^{tree}") == alone.box.git("rev-parse", "main^{tree}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _alone(self) -> World:
        """A copy that remembers no run."""
        copy = self.folder / "alone"
        shutil.copytree(self.box.path, copy, symlinks=True)
        alone = World(Sandbox(copy, self.box.env), 1)
        for ref in alone.box.git("for-each-ref", "--format=%(refname)", "refs/gitbot").splitlines():
            alone.box.git("update-ref", "-d", ref)
        return alone

    def _is_right(self, branch: dict[str, Any]) -> None:
        """What is red is given back for it, what meets others may conflict, and all else is on main."""
        name, outcome, reason = branch["branch"], branch["outcome"], branch["reason"]
        red = "BROKEN" in self.box.git("show", f"{name}:{name}.txt", check=False)
        meets = "a.txt" in self.box.git("log", "--format=", "--name-only", name).split()
        if red:
            assert (outcome, reason in ("gate", "conflict")) == ("set-aside", True), branch
        elif outcome not in DONE:
            assert (outcome, reason, meets) == ("set-aside", "conflict", True), branch


def play(folder: Path, env: Mapping[str, str], *, examples: int, steps: int, jobs: int, random: bool) -> None:
    """So many stories of so many steps; `random`: other ones each time."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize=not random,
        suppress_health_check=list(HealthCheck),
    )

    class Here(Runs):
        def __init__(self) -> None:
            super().__init__(folder, env, jobs)

    run_state_machine_as_test(Here, settings=chosen)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="machine-") as home:
        env = sealed(Path(home))
        play(Path(home), env, examples=asked.examples, steps=asked.steps, jobs=asked.jobs, random=True)
    print(f"{asked.examples} stories, all as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
