"""Kills by the thousand: `python -m tests.faults.soak --kills N [--seed S] [--jobs J]`.

Every episode is a story of its own, run twice: once left alone, once killed at random moments and in every way, with
branches moved, deleted and swept away and main moved in between. Both have to come to the same end.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import ConfigLevel

from gitbot.model.run import Delivered, Finished, Started
from tests.conftest import ROOT, Sandbox
from tests.faults.world import AIMS, World, made, settle, story

KILLS = 6  # of one episode at most
MOMENTS = 40  # effects of an average run
DEAD = {-signal.SIGKILL, -signal.SIGTERM, 130}


@dataclass(slots=True)
class Tally:
    """What an episode, or many, came to."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)  # what should not have been, in words

    def add(self, other: Tally) -> None:
        """Take another one in."""
        self.counts.update(other.counts)
        self.wrong += other.wrong

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Note what is not as it should be."""
        if found != wanted:
            self.counts[what] += 1
            self.wrong.append(f"{what}: {found!r}, not {wanted!r}")


def episode(seed: int, folder: Path, env: Mapping[str, str], *, jobs: int, kills: int = KILLS) -> Tally:
    """One story left alone and killed; `folder` is gone afterwards unless something was wrong."""
    rng, tally = random.Random(seed), Tally()
    calm = made(story(rng, jobs=jobs), folder / "calm", env, jobs)
    shutil.copytree(calm.box.path, folder / "killed", symlinks=True)
    killed = World(Sandbox(folder / "killed", env), jobs)
    left_alone = calm.run()
    tally.expect("runs that broke down", (left_alone.status in (0, 1), left_alone.err), (True, ""))
    wanted = calm.document()
    known = _torment(killed, rng, tally, kills)
    _to_the_end(killed, tally)
    document = killed.document()
    tally.counts["episodes"] += 1
    tally.expect("runs that did not end", killed.has(Delivered), True)
    tally.expect("other ends", _outcomes(document), _outcomes(wanted))
    if not tally.counts["targets moved"]:
        tally.expect("other trees", _tree(killed), _tree(calm))
        if jobs == 1:
            tally.expect("other documents", *_differing(_unmoved(killed.essence(document)), calm.essence(wanted)))
    else:
        tally.expect("other trees", _files(killed), sorted([*_files(calm), "theirs.txt"]))
    tally.expect("red mains", killed.red(), [])
    tally.expect("lost branches", killed.branches(), known)
    tally.expect("leftovers", killed.leftovers(), [])
    if tally.wrong:
        crashes = [path.read_text() for path in folder.rglob("crash-*.txt")]
        tally.wrong = [f"seed {seed}, {jobs} at once:", *crashes, *tally.wrong]
    else:
        shutil.rmtree(folder)
    return tally


def _torment(world: World, rng: random.Random, tally: Tally, kills: int) -> dict[str, str]:
    """Kill it again and again, and move what others may move; where the branches are afterwards."""
    known = world.branches()
    for _ in range(rng.randint(1, kills)):
        exact = rng.random() < 0.4
        child = world.start(moment=rng.randint(1, MOMENTS) if exact else 0)
        aim = rng.choice(AIMS)
        if not child.wait(60 if exact else rng.uniform(0, 1.2)):
            child.kill(aim)
        if child.status in DEAD:
            tally.counts["kills"] += 1
            tally.counts[f"  of {'an effect' if exact else aim}"] += 1
        else:
            tally.expect("strange exits", (child.status in (0, 1), child.err), (True, ""))
        tally.expect("red mains", world.red(), [])
        tally.expect("lost branches", world.branches(), known)
        if world.has(Delivered):
            break
        tally.counts["restarts"] += 1
        _others(world, rng, tally)
        known = world.branches()
    settle(world)
    return known


def _others(world: World, rng: random.Random, tally: Tally) -> None:
    """What people and agents do meanwhile. A run that has begun goes on with what it has pinned."""
    box, begun = world.box, world.has(Started) and not world.has(Finished)
    names = box.git("for-each-ref", "--format=%(refname)", "refs/heads/agent-*").splitlines()
    match rng.randrange(10):
        case 0 if begun:
            box.git("update-ref", rng.choice(names), "main")
            tally.counts["branches moved"] += 1
        case 1 if begun and len(names) > 1:
            box.git("update-ref", "-d", rng.choice(names))
            tally.counts["branches deleted"] += 1
        case 2:
            settle(world)
            box.git("reflog", "expire", "--expire=all", "refs/heads/agent-0", check=False)
            box.git("gc", "-q", "--prune=now")
            tally.counts["sweeps"] += 1
        case 3 if begun and not tally.counts["targets moved"] and not box.git("status", "--porcelain"):
            settle(world)
            (box.path / "theirs.txt").write_text("theirs\n")
            box.git("add", "theirs.txt", check=False)
            box.git("commit", "-q", "-m", "theirs", check=False)
            tally.counts["targets moved"] += "theirs.txt" in _files(world)


def _to_the_end(world: World, tally: Tally) -> None:
    for _ in range(3):
        if world.has(Delivered):
            break
        child = world.run()
        tally.expect("strange exits", (child.status in (0, 1), child.err), (True, ""))


def _outcomes(document: dict[str, Any]) -> object:
    return {branch["branch"]: (branch["outcome"], branch["reason"]) for branch in document["branches"]}


def _unmoved(document: dict[str, Any]) -> dict[str, Any]:
    """Without the remark that a branch is elsewhere now: nobody moved one where the run was left alone."""
    for branch in document["branches"]:
        branch["flags"] = [flag for flag in branch["flags"] if flag["kind"] != "moved"]
    return document


def _differing(one: dict[str, Any], other: dict[str, Any]) -> tuple[object, object]:
    pairs = [(one.pop("branches"), other.pop("branches")), (list(one.items()), list(other.items()))]
    apart = [(a, b) for some, others in pairs for a, b in zip_longest(some, others) if a != b]
    return [a for a, _ in apart], [b for _, b in apart]


def _tree(world: World) -> str:
    return world.box.git("rev-parse", "main^{tree}")


def _files(world: World) -> list[str]:
    return world.box.git("ls-tree", "-r", "--name-only", "main").splitlines()


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description="Kill runs by the thousand.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=0, help="0: one and two by turns")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as home:
        env = sealed(Path(home))
        tally, seed = Tally(), asked.seed
        while tally.counts["kills"] < asked.kills:
            one = episode(seed, Path(home, str(seed)), env, jobs=asked.jobs or 1 + seed % 2)
            print("\n".join(one.wrong), end="\n" if one.wrong else "", flush=True)
            tally.add(one)
            seed += 1
            if seed % 20 == asked.seed % 20:
                print(f"{tally.counts['kills']} kills …", flush=True)
    for what in ("red mains", "lost branches", "leftovers", "other ends", "other trees", "other documents"):
        tally.counts.setdefault(what, 0)
    for what, count in tally.counts.items():
        print(f"{what:24}{count:8}")
    return 1 if tally.wrong else 0


def sealed(home: Path) -> dict[str, str]:
    """The environment for what is started here, away from the machine's own configuration."""
    (home / ".gitconfig").write_text("[user]\n\tname = Grace Hopper\n\temail = grace@example.org\n")
    for level in (ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.PROGRAMDATA):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.search_path[ConfigLevel.GLOBAL] = str(home)
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    return kept | {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": str(ROOT),
        "TERM": "dumb",
    }


if __name__ == "__main__":
    sys.exit(main())
