"""What is said aloud of a branch that lands."""

from __future__ import annotations

import pytest

from gitbot.landing.flags import gate_file_flag, lost_lines_flag, protected_flag, settings, uncommitted_flag
from gitbot.merge.losses import Loss
from gitbot.model.git import BranchName, Change, ChangeKind, Oid
from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base

BLOB = Oid("1" * 40)


def changed(path: str, kind: ChangeKind = ChangeKind.MODIFIED) -> Change:
    new = BLOB if kind is ChangeKind.ADDED else Oid("3" * 40)
    return Change(kind, path, old_oid=BLOB if kind is ChangeKind.DELETED else Oid("2" * 40), new_oid=new)


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("sh gate.sh", "gate.sh"),
        ("./gate.sh --fast", "gate.sh"),
        (("pytest", "tests/test_x.py"), "tests/test_x.py"),
        ("make test", "Makefile"),
        ("make test", "GNUmakefile"),
        ("/usr/bin/make -j2 check", "makefile"),
        ("make -C src/c check", "src/c/Makefile"),
        ("npm test", "package.json"),
        ("sh $PWD/tools/gate.sh", "tools/gate.sh"),
        ('sh "${PWD}/gate.sh"', "gate.sh"),
        ('"$PWD"/gate.sh --all', "gate.sh"),
        ("cd tools && ./gate.sh", "tools/gate.sh"),
        ("cd tools; cd ci/x; sh gate.sh", "tools/ci/x/gate.sh"),
        ("cd tools && sh ../gate.sh", "gate.sh"),
        ("docker run -v {checkout}:/src image sh /src/ci/gate.sh", "ci/gate.sh"),
        (("sh", "{checkout}/ci/walls.sh", "{command}"), "ci/walls.sh"),
        ("sh 'unbalanced gate.sh", "gate.sh"),
        ("sh gate.sh; true", "gate.sh"),
        ("pytest tests/test_x.py::test_a", "tests/test_x.py"),
    ],
)
def test_a_file_that_the_gate_command_names_is_said(command: str | tuple[str, ...], path: str) -> None:
    flag = gate_file_flag((command,), [changed(path), changed("other"), changed("sub/Makefile")])
    assert flag is not None
    assert (flag.kind, flag.paths) == ("gate-file", (path,))


def test_what_sets_up_and_what_stands_around_the_tests_are_commands_too(sandbox: SandboxMaker) -> None:
    config = '[gate]\ncommand = "true"\nsetup = "sh set-up.sh"\nisolation = ["sh", "walls.sh", "{command}"]\n'
    scripts = {"set-up.sh": "true\n", "walls.sh": 'sh -c "$1"\n'}
    changed = {path: text + "# changed\n" for path, text in scripts.items()}
    box = sandbox(base({"gitbot.toml": config, **scripts}), step("agent-a", changed))
    [flag] = box.integrate("agent-a", gate="").branches["agent-a"]["flags"]
    assert (flag["kind"], flag["paths"]) == ("gate-file", ["set-up.sh", "walls.sh"])


def test_a_branch_that_says_how_the_next_ones_are_tested_is_told_of(sandbox: SandboxMaker) -> None:
    project, own = "[project]\nname = 'a'\n", "[tool.gitbot.gate]\nconfirm = 2\n"
    box = sandbox(
        base({"pyproject.toml": f"{project}{own}"}),
        step("agent-a", {"pyproject.toml": f"{project}version = '1'\n{own}", "sub/gitbot.toml": ""}),
        step("agent-b", {"pyproject.toml": f"{project}{own}command = 'true'\n"}),
        step("agent-c", {"gitbot.toml": "[gate]\ncommand = 'true'\n"}),
    )
    told = box.integrate("agent-*", "--queue", "serial").branches
    said = {name: [flag["paths"] for flag in one["flags"]] for name, one in told.items()}
    assert said == {"agent-a": [], "agent-b": [["pyproject.toml"]], "agent-c": [["gitbot.toml"]]}


def test_what_cannot_be_read_is_a_change_of_what_could() -> None:
    texts = [None, b"", b"[project]\n", b"[tool.gitbot]\n", b"[tool.gitbot\n", b"\xff"]
    found = [settings("pyproject.toml", text) for text in texts]
    assert found == [None, None, None, {}, b"[tool.gitbot\n", b"\xff"]


def test_other_files_and_no_gate_are_no_matter() -> None:
    assert gate_file_flag(("sh gate.sh",), [changed("sub/gate.sh"), changed("sh.txt")]) is None
    assert gate_file_flag((None,), [changed("gate.sh")]) is None


def test_protected_patterns_are_those_of_the_configuration() -> None:
    flag = protected_flag(("ci/**",), [changed("ci/run.yml"), changed("src/a.py")])
    assert flag is not None
    assert flag.paths == ("ci/run.yml",)
    assert protected_flag((), [changed("ci/run.yml")]) is None


def test_uncommitted_work_is_said_with_its_place() -> None:
    assert uncommitted_flag((), "/trees/a") is None
    flag = uncommitted_flag(("x", "y"), "/trees/a")
    assert flag is not None
    assert flag.text == "uncommitted work in /trees/a does not land: 2 paths"


def test_lost_lines_are_said_with_their_owner_the_merge_and_an_excerpt() -> None:
    main = BranchName("main")
    losses = [
        Loss("a.py", (b"one\x1b[2J", b"two"), BranchName("agent-b"), BLOB),
        Loss("b.py", (b"x = 1",), None, None),
    ]
    flag = lost_lines_flag(losses, main)
    assert flag is not None
    assert (flag.kind, flag.paths) == ("lost-lines", ("a.py", "b.py"))
    assert flag.text == (
        "its merge 1111111 dropped 2 lines of agent-b in a.py, such as `one\N{REPLACEMENT CHARACTER}[2J`; "
        "deletes 1 line of main in b.py, such as `x = 1`"
    )
    assert lost_lines_flag([], main) is None
