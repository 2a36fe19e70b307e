"""Ways to get past the ownership of files, one row each, and what becomes of them at push and again at integrate."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitbot.cli import main
from gitbot.guard.enforcement import enforcement
from gitbot.guard.push import Update, judge_push
from gitbot.repository.recipes import Step
from tests.conftest import Ran, Sandbox, SandboxMaker
from tests.guard.conftest import BASE, CONFIG, PLAN_A, PLAN_B

ONE = {"src/b/two.py": "b = 3\n"}
LOOSE = '[ownership]\nforeign = "warn"\n'
TREE: Mapping[str, str | list[str]] = {
    **BASE,
    "src/b/café.py": "c = 3\n",
    "plans/PLAN-C.md": "---\nplan: C\nowns: [vendor/lib/**, lib/new/deep.py]\n---\n# Agent C\n",
}


@dataclass(frozen=True, slots=True)
class Attacker:
    """An agent at work on a branch of plan A."""

    box: Sandbox

    def write(self, files: Mapping[str, str | None], message: str = "work") -> None:
        """Write files, None deletes, and commit."""
        for name, text in files.items():
            path = self.box.path / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self.commit(message)

    def commit(self, message: str = "work") -> None:
        self.box.git("add", "-A")
        self.box.git("commit", "-q", "-m", message)

    def raw(self, *path: str, text: str = "b = 3\n") -> None:
        """Commit a file at a path that no git would add, each folder written as bytes."""
        oid, mode = self._object("blob", text.encode()), b"100644"
        for depth in range(len(path) - 1, -1, -1):
            folder = "/".join(path[:depth])
            real = folder in ("", "src", "src/a")
            known = self._entries(self.box.git("rev-parse", f"HEAD:{folder}")) if real else {}
            known[path[depth].encode()] = (mode, bytes.fromhex(oid))
            data = b"".join(b"%s %s\0%s" % (kind, name, raw) for name, (kind, raw) in sorted(known.items()))
            oid, mode = self._object("tree", data), b"40000"
        self.box.git("update-ref", "HEAD", self.box.git("commit-tree", oid, "-p", "HEAD", "-m", "raw"))

    def _entries(self, tree: str) -> dict[bytes, tuple[bytes, bytes]]:
        listed = self.box.git("ls-tree", tree).splitlines()
        found = (line.split(None, 3) for line in listed)
        return {name.encode(): (mode.lstrip("0").encode(), bytes.fromhex(oid)) for mode, _, oid, name in found}

    def _object(self, kind: str, data: bytes) -> str:
        words = ["git", "hash-object", "-t", kind, "-w", "--literally", "--stdin"]
        here, env = self.box.path, self.box.env
        done = subprocess.run(words, cwd=here, env=env, input=data, capture_output=True, check=True)
        return done.stdout.decode().strip()

    def on_main(self, files: Mapping[str, str]) -> None:
        """What others land meanwhile."""
        self.box.git("checkout", "-q", "main")
        self.write(files, "landed by others")
        self.box.git("checkout", "-q", "agent-a")


def rename_out_and_back(at: Attacker) -> None:
    at.box.git("mv", "src/b/two.py", "src/a/mine.py")
    at.commit()
    at.box.git("mv", "src/a/mine.py", "src/b/two.py")
    at.write({"src/b/two.py": "b = 3\n"})


def rename_in(at: Attacker) -> None:
    at.box.git("mv", "src/b/two.py", "src/a/two.py")
    at.commit()


def net_zero(at: Attacker) -> None:
    at.write({"src/b/two.py": "b = 3\n", "src/a/one.py": "a = 2\n"})
    at.write({"src/b/two.py": str(BASE["src/b/two.py"])})


def net_zero_of_what_landed(at: Attacker) -> None:
    """Commit by commit onto main only the second would be new, and take the work of plan B back."""
    at.write({"src/b/two.py": "b = 3\n"})
    at.write({"src/b/two.py": str(BASE["src/b/two.py"])})
    at.write({"src/a/one.py": "a = 2\n"})
    at.on_main({"src/b/two.py": "b = 3\n"})


def symlink_written_through(at: Attacker) -> None:
    (at.box.path / "src/a/link").symlink_to("../b")
    at.write({"src/a/link/two.py": "b = 3\n"})


def symlink_alone(at: Attacker) -> None:
    (at.box.path / "src/a/link").symlink_to("../b")
    at.commit()


def folder_becomes_link(at: Attacker) -> None:
    at.box.git("rm", "-q", "-r", "src/b")
    (at.box.path / "src/b").symlink_to("a")
    at.commit()


def link_where_a_folder_is_claimed(at: Attacker) -> None:
    (at.box.path / "vendor").mkdir()
    (at.box.path / "vendor/lib").symlink_to("../src/a")
    at.commit()


def file_above_a_claim(at: Attacker) -> None:
    (at.box.path / "lib").write_text("here first\n")
    at.commit()


def gitlink(at: Attacker, path: str, *, instead: bool = False) -> None:
    if instead:
        at.box.git("rm", "-q", "-r", path)
    at.box.git("update-index", "--add", "--cacheinfo", f"160000,{at.box.tip('main')},{path}")
    at.box.git("commit", "-q", "-m", "submodule")
    at.box.git("reset", "-q", "--hard")


def no_text(at: Attacker) -> None:
    (at.box.path / os.fsdecode(b"src/b/\xff.py")).write_text("x = 1\n")
    at.commit()


def plan_moved(at: Attacker) -> None:
    at.box.git("mv", "plans/PLAN-B.md", "plans/elsewhere.md")
    at.commit()


def evil_merge(at: Attacker) -> None:
    at.write({"src/a/one.py": "a = 2\n"})
    at.on_main({"README.md": "landed\n"})
    at.box.git("merge", "-q", "--no-commit", "main")
    (at.box.path / "src/b/two.py").write_text("b = 3\n")
    at.box.git("commit", "-q", "-a", "-m", "Merge main")


def revert_of_foreign_work(at: Attacker) -> None:
    at.on_main({"src/b/two.py": "b = 9\n"})
    at.box.git("merge", "-q", "main")
    at.box.git("revert", "--no-edit", "HEAD")


def criss_cross(at: Attacker) -> None:
    at.write({"src/a/one.py": "a = 2\n"})
    at.on_main({"src/b/two.py": "b = 9\n"})
    before = at.box.tip("main")
    at.box.git("checkout", "-q", "main")
    at.box.git("merge", "-q", "--no-edit", "agent-a")
    at.box.git("checkout", "-q", "agent-a")
    at.box.git("merge", "-q", "--no-edit", before)
    at.write({"src/a/more.py": "a = 3\n"})


def writes(files: Mapping[str, str | None]) -> Callable[[Attacker], None]:
    return lambda at: at.write(files)


def raw(*path: str) -> Callable[[Attacker], None]:
    return lambda at: at.raw(*path)


NFD = unicodedata.normalize("NFD", "src/b/café.py")
WIDE = PLAN_A.replace("src/a", "src")
NARROW = PLAN_B.replace("src/b", "src/x")
NEW = "---\nplan: Z\nbranch: agent-a\nowns: [src/b/**]\n---\n# Z\n"

ATTACKS: list[tuple[str, Callable[[Attacker], None], str, str]] = [
    # what is done, how, at push, at integrate
    ("rename out and back, changed on the way", rename_out_and_back, "refused", "ownership"),
    ("rename into the own folder", rename_in, "refused", "ownership"),
    ("a commit and its revert", net_zero, "passes", "lands"),
    ("a commit and its revert over the same work landed", net_zero_of_what_landed, "passes", "lands"),
    ("another case", writes({"src/B/Two.py": "b = 3\n"}), "refused", "ownership"),
    ("another case of the folder alone", writes({"SRC/b/new.py": "b = 3\n"}), "refused", "ownership"),
    ("a decomposed name", writes({NFD: "c = 4\n"}), "refused", "ownership"),
    ("a name that is no text", no_text, "refused", "ownership"),
    ("a link that is written through", symlink_written_through, "refused", "ownership"),
    ("a link that nobody writes through", symlink_alone, "passes", "lands"),
    ("a folder becomes a link", folder_becomes_link, "refused", "ownership"),
    ("a link where a folder is claimed", link_where_a_folder_is_claimed, "refused", "ownership"),
    ("a file above what is claimed", file_above_a_claim, "refused", "ownership"),
    ("a submodule in place of a folder", lambda at: gitlink(at, "src/b", instead=True), "refused", "ownership"),
    ("a submodule where a folder is claimed", lambda at: gitlink(at, "vendor/lib"), "refused", "ownership"),
    (".gitattributes in another's folder", writes({"src/b/.gitattributes": "* -text\n"}), "refused", "ownership"),
    (".gitattributes at the top", writes({".gitattributes": "src/b/** merge=ours\n"}), "warned", "lands: unowned"),
    ("a hook in .githooks", writes({".githooks/pre-push": "exit 0\n"}), "warned", "lands: unowned"),
    ("a hook in .husky", writes({".husky/pre-push": "exit 0\n"}), "warned", "lands: unowned"),
    ("the rules themselves", writes({"gitbot.toml": LOOSE, **ONE}), "refused", "ownership"),
    ("own plan widened, and used", writes({"plans/PLAN-A.md": WIDE, **ONE}), "refused", "ownership"),
    ("own plan widened for later", writes({"plans/PLAN-A.md": WIDE}), "noted", "lands: claims-widened"),
    ("another's plan narrowed", writes({"plans/PLAN-B.md": NARROW, **ONE}), "refused", "ownership"),
    ("another's plan deleted", writes({"plans/PLAN-B.md": None}), "refused", "ownership"),
    ("another's plan moved", plan_moved, "refused", "ownership"),
    ("own plan deleted", writes({"plans/PLAN-A.md": None, **ONE}), "refused", "ownership"),
    ("a new plan for the branch", writes({"plans/new.md": NEW, **ONE}), "refused", "ownership"),
    ("a second plan of another's name", writes({"plans/new.md": NARROW, **ONE}), "refused", "ownership"),
    ("a path with ..", raw("src", "a", "..", "b", "two.py"), "refused", "conflict"),
    ("a path with .", raw(".", "src", "b", "two.py"), "refused", "conflict"),
    (".GIT", raw("src", "a", ".GIT", "config"), "refused", "conflict"),
    ("git~1", raw("src", "a", "git~1", "hooks"), "refused", "conflict"),
    (".git with a hidden character", raw("src", "a", ".g\u200cit", "config"), "refused", "conflict"),
    ("a merge that holds more than its parents", evil_merge, "refused", "ownership"),
    ("a revert of another's landed work", revert_of_foreign_work, "refused", "ownership"),
    ("merged into each other", criss_cross, "passes", "lands"),
]  # fmt: skip


@pytest.fixture
def attacker(sandbox: SandboxMaker) -> Attacker:
    box = sandbox(Step(branch="main", message="base", files=dict(TREE)))
    box.git("checkout", "-q", "-b", "agent-a")
    return Attacker(box)


def at_push(box: Sandbox, local: str, remote: str) -> str:
    """What the hook makes of a push of this branch there."""
    force = enforcement(box.repository, "origin", None)
    assert force is not None
    update = Update(f"refs/heads/{local}", box.tip(f"refs/heads/{local}"), f"refs/heads/{remote}")
    verdicts = list(judge_push(force, [update]))
    if not verdicts:
        return "left alone"
    if any(verdict.judgement.refused for verdict in verdicts):
        return "refused"
    if any(verdict.judgement.warned for verdict in verdicts):
        return "warned"
    return "noted" if any(verdict.notes for verdict in verdicts) else "passes"


@dataclass(frozen=True, slots=True)
class Integrator:
    """`gitbot integrate` in this process."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, box: Sandbox, *words: str) -> Ran:
        self.monkeypatch.chdir(box.path)
        code = main(["integrate", "--format", "json", "--no-gate", *words])
        out, err = self.capsys.readouterr()
        return Ran(code, out, err)


@pytest.fixture
def integrate(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Integrator:
    return Integrator(monkeypatch, capsys)


def at_integrate(ran: Ran) -> str:
    (branch,) = ran.document["branches"]
    if branch["outcome"] == "waiting" or branch["outcome"] == "landed":
        kinds = [flag["kind"] for flag in branch["flags"]]
        return f"lands: {', '.join(kinds)}" if kinds else "lands"
    return str(branch["reason"] or branch["outcome"])


@pytest.mark.parametrize(("how", "push", "merge"), [row[1:] for row in ATTACKS], ids=[row[0] for row in ATTACKS])
def test_an_attack_ends_the_same_way_at_push_and_at_integrate(
    attacker: Attacker, integrate: Integrator, how: Callable[[Attacker], None], push: str, merge: str
) -> None:
    how(attacker)
    pushed = at_push(attacker.box, "agent-a", "agent-a")
    ran = integrate(attacker.box, "agent-a", "--dry-run")
    assert (pushed, at_integrate(ran)) == (push, merge), ran.out


def test_what_a_branch_took_back_takes_nothing_back_from_others(attacker: Attacker, integrate: Integrator) -> None:
    net_zero_of_what_landed(attacker)
    assert at_integrate(integrate(attacker.box, "agent-a")) == "lands"
    assert attacker.box.show("main", "src/b/two.py") == "b = 3"
    assert attacker.box.show("main", "src/a/one.py") == "a = 2"


@pytest.mark.parametrize(
    ("local", "remote", "push", "merge"),
    [
        ("Agent-A", "Agent-A", "refused", "ownership"),
        ("heads/agent-a", "heads/agent-a", "refused", "ownership"),
        ("origin/agent-a", "agent-a", "refused", "ownership"),
        ("agent-a", "agent-b", "refused", "ownership"),
        ("agent-b", "agent-a", "refused", "lands"),
        ("agent-a", "topic", "refused", "ownership"),
        ("topic", "agent-a", "refused", "lands"),
        # A branch that belongs to no plan is held to none, whatever it is called.
        ("topic", "topic", "left alone", "lands"),
        ("refs/heads/agent-a", "refs/heads/agent-a", "left alone", "lands"),
    ],
)
def test_a_branch_is_held_to_the_plan_of_every_name_that_it_has(
    attacker: Attacker, integrate: Integrator, local: str, remote: str, push: str, merge: str
) -> None:
    attacker.write({"src/b/two.py": "b = 3\n"})
    attacker.box.git("update-ref", f"refs/heads/{local}", "HEAD")
    pushed = at_push(attacker.box, local, remote)
    assert (pushed, at_integrate(integrate(attacker.box, "--dry-run", f"refs/heads/{local}"))) == (push, merge)


@pytest.mark.parametrize(
    ("rule", "path", "push", "merge"),
    [
        ('foreign = "refuse"', "src/b/two.py", "refused", "ownership"),
        ('foreign = "warn"', "src/b/two.py", "warned", "lands: foreign"),
        ('shared = "refuse"', "yarn.lock", "refused", "ownership"),
        ('shared = "warn"', "yarn.lock", "warned", "lands: shared"),
        ('unowned = "refuse"', "README.md", "refused", "ownership"),
        ('unowned = "warn"', "README.md", "warned", "lands: unowned"),
        ('unowned = "allow"', "README.md", "passes", "lands"),
    ],
)
def test_one_configuration_rules_at_push_and_at_integrate(
    attacker: Attacker, integrate: Integrator, rule: str, path: str, push: str, merge: str
) -> None:
    attacker.on_main({"gitbot.toml": f"{CONFIG}[ownership]\n{rule}\n"})
    attacker.box.git("reset", "-q", "--hard", "main")
    attacker.write({path: "changed\n"})
    pushed = at_push(attacker.box, "agent-a", "agent-a")
    assert (pushed, at_integrate(integrate(attacker.box, "agent-a", "--dry-run"))) == (push, merge)


def test_ownership_is_tested_before_any_strategy(attacker: Attacker, integrate: Integrator) -> None:
    """A branch that also conflicts goes back for the file that is not its own, and no conflict is told."""
    attacker.write({"src/b/two.py": "b = 3\n", "src/a/one.py": "a = 2\n"})
    attacker.on_main({"src/a/one.py": "a = 9\n"})
    (branch,) = integrate(attacker.box, "agent-a").document["branches"]
    assert (branch["reason"], branch["conflicts"], branch["strategy"]) == ("ownership", [], None)
    assert branch["drift"]["lines"] == {"src/b/two.py": [[1, 1]]}
    brief = Path(branch["retry"]).read_text()
    assert "## What it touches and does not claim\n```text\nsrc/b/two.py:1\n```\n" in brief


def test_status_shows_what_was_touched_without_a_claim_by_its_lines(
    attacker: Attacker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ticked = PLAN_A.replace("[ ]", "[x]")
    attacker.write({**ONE, "yarn.lock": "#\n# more\n", "README.md": "1\n2\n3\n", "plans/PLAN-A.md": ticked})
    monkeypatch.chdir(attacker.box.path)
    assert main(["status", "agent-a"]) == 0
    shown = capsys.readouterr().out.partition("\n\n")[2]
    assert shown.startswith(
        "touched, and not claimed by its plan:\n"
        "  agent-a: src/b/two.py:1, yarn.lock:2 (shared), README.md:1-3 (nobody's)\n\n"
        "done, and claimed but never touched:\n  agent-a: src/a/**\n"
    )
    assert main(["status", "agent-a", "--format", "json"]) == 0
    (branch,) = json.loads(capsys.readouterr().out)["branches"]
    assert branch["drift"] == {
        "foreign": ["src/b/two.py"],
        "shared": ["yarn.lock"],
        "unowned": ["README.md"],
        "untouched": ["src/a/**"],
        "lines": {"README.md": [[1, 3]], "src/b/two.py": [[1, 1]], "yarn.lock": [[2, 2]]},
    }
