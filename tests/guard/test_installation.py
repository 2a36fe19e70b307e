from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.guard.conftest import Desk, DeskMaker

RECORDER = '#!/bin/sh\ncat > "$(dirname "$0")/seen"\nexit 0\n'


def hooks_of(at: Desk) -> Path:
    return at.box.path / ".git" / "hooks"


def write_hook(at: Desk, text: str) -> Path:
    hooks_of(at).mkdir(exist_ok=True)
    hook = hooks_of(at) / "pre-push"
    hook.write_text(text)
    hook.chmod(0o755)
    return hook


def test_installing_again_changes_nothing_and_uninstalling_leaves_nothing(desk: DeskMaker) -> None:
    at = desk()
    before = (hooks_of(at) / "pre-push").read_bytes()
    assert at.box.gitbot("hook", "install").code == 0
    assert (hooks_of(at) / "pre-push").read_bytes() == before
    assert at.box.gitbot("hook", "uninstall").code == 0
    assert os.listdir(hooks_of(at)) == []
    assert at.box.gitbot("hook", "uninstall").code == 0


def test_a_hook_that_is_there_runs_too_with_the_same_input_and_is_given_back(desk: DeskMaker) -> None:
    at = desk(install=False)
    hook = write_hook(at, RECORDER)
    assert at.box.gitbot("hook", "install").code == 0
    assert at.box.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0
    tip = at.box.tip("agent-a")
    assert (hooks_of(at) / "seen").read_text() == f"refs/heads/agent-a {tip} refs/heads/agent-a {'0' * 40}\n"
    assert at.box.gitbot("hook", "uninstall").code == 0
    assert hook.read_text() == RECORDER
    assert sorted(os.listdir(hooks_of(at))) == ["pre-push", "seen"]


def test_both_hooks_have_to_pass(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, "#!/bin/sh\necho no >&2\nexit 3\n")
    assert at.box.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 1
    (hooks_of(at) / "pre-push.gitbot-prev").write_text("#!/bin/sh\nexit 0\n")
    assert at.push("agent-a").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_a_hook_that_is_not_executable_is_kept_and_still_not_run(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, "#!/bin/sh\nexit 3\n").chmod(0o644)
    assert at.box.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0


def test_only_a_file_with_our_mark_is_ever_removed(desk: DeskMaker) -> None:
    at = desk()
    hook = write_hook(at, RECORDER)
    done = at.box.gitbot("hook", "uninstall")
    assert (done.code, hook.read_text()) == (1, RECORDER)


def test_a_second_foreign_hook_beside_a_kept_one_stops_the_installation(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, RECORDER)
    assert at.box.gitbot("hook", "install").code == 0
    hook = write_hook(at, "#!/bin/sh\n")
    assert at.box.gitbot("hook", "install").code == 4
    assert hook.read_text() == "#!/bin/sh\n"
    assert (hooks_of(at) / "pre-push.gitbot-prev").read_text() == RECORDER


@pytest.mark.parametrize(("path", "file"), [(".husky/_", ".husky/pre-push"), ("tools/hooks", "tools/hooks/pre-push")])
def test_a_hooks_folder_inside_the_work_tree_is_not_written_to(desk: DeskMaker, path: str, file: str) -> None:
    at = desk(install=False)
    at.box.git("config", "core.hooksPath", path)
    for verb, deed in (("install", "add this line to"), ("uninstall", "take this line out of")):
        done = at.box.gitbot("hook", verb)
        assert done.code == 1
        assert f'hint: {deed} {at.box.path / file}: gitbot hook run pre-push "$@"\n' in done.err
    assert at.box.git("status", "--porcelain") == ""
    assert at.box.gitbot("hook", "status").code == 1


def test_the_line_that_is_printed_guards_inside_another_hook(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.box.git("config", "core.hooksPath", "tools")
    hook = at.box.path / "tools" / "pre-push"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\ngitbot hook run pre-push "$@"\n')
    hook.chmod(0o755)
    assert at.box.gitbot("hook", "status").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_hooks_that_are_switched_off_are_said_to_be(desk: DeskMaker) -> None:
    at = desk()
    at.box.git("config", "core.hooksPath", "/dev/null")
    done = at.box.gitbot("hook", "install")
    assert done.code == 1
    assert "hooks are switched off" in done.err
    assert at.box.gitbot("hook", "status").code == 1


def test_a_folder_of_hooks_outside_the_repository_is_used(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk(install=False)
    folder = tmp_path / "my hooks"
    at.box.git("config", "core.hooksPath", str(folder))
    assert at.box.gitbot("hook", "install").code == 0
    assert os.listdir(folder) == ["pre-push"]
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_status_tells_for_every_work_tree_whether_the_hook_would_fire(desk: DeskMaker, tmp_path: Path) -> None:
    """A relative core.hooksPath is another folder in each work tree."""
    at = desk()
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    hook = hooks_of(at) / "pre-push"
    done = at.box.gitbot("hook", "status", cwd=tree)
    assert (done.code, done.out) == (0, f"{at.box.path}: fires\n{tree}: fires\n")
    at.box.git("config", "core.hooksPath", ".git/hooks")
    done = at.box.gitbot("hook", "status")
    missing = f"does not fire: there is no {tree}/.git/hooks/pre-push"
    assert (done.code, done.out) == (1, f"{at.box.path}: fires\n{tree}: {missing}\n")
    at.box.git("config", "--unset", "core.hooksPath")
    hook.chmod(0o644)
    done = at.box.gitbot("hook", "status", cwd=tree)
    assert done.code == 1
    assert "is not executable" in done.out


def test_installing_from_a_linked_work_tree_serves_all_of_them(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk(install=False)
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    done = at.box.gitbot("hook", "install", cwd=tree)
    assert (done.code, done.out) == (0, f"installed {hooks_of(at) / 'pre-push'}\n")


def test_without_gitbot_on_path_the_interpreter_that_installed_it_is_used(
    desk: DeskMaker, sealed_env: dict[str, str]
) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a", env={"PATH": sealed_env["PATH"]}).code == 1


def test_a_module_of_the_work_tree_is_never_imported_by_the_hook(desk: DeskMaker, sealed_env: dict[str, str]) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n", "gitbot/__init__.py": "raise SystemExit(0)\n", "click.py": ""})
    assert at.push("agent-a", env={"PATH": sealed_env["PATH"]}).code == 1


@pytest.mark.parametrize("broken", [None, "#!/nowhere/python\n"])
def test_a_missing_gitbot_lets_the_push_pass_with_a_warning(
    desk: DeskMaker, sealed_env: dict[str, str], tmp_path: Path, broken: str | None
) -> None:
    """Not there at all, or left behind by an environment that is gone; a hook from before still has to pass."""
    at = desk()
    hook = hooks_of(at) / "pre-push"
    hook.write_text(hook.read_text().replace(sys.executable, "/nowhere/python"))
    path = sealed_env["PATH"]
    if broken is not None:
        (tmp_path / "broken").mkdir()
        (tmp_path / "broken" / "gitbot").write_text(broken)
        (tmp_path / "broken" / "gitbot").chmod(0o755)
        path = f"{tmp_path / 'broken'}:{path}"
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a", env={"PATH": path})
    assert done.code == 0
    assert "warning: gitbot cannot be run here, so nobody checked whose files this push changes\n" in done.err


def test_the_shipped_hook_works_as_it_is(desk: DeskMaker) -> None:
    """Copied by hand, without any interpreter written in."""
    at = desk(install=False)
    shipped = Path(__file__).parents[2] / "hooks" / "pre-push"
    write_hook(at, shipped.read_text())
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1
    done = subprocess.run(["sh", "-n", str(shipped)], check=False)
    assert done.returncode == 0


def test_a_folder_with_spaces_and_quotes_is_no_obstacle(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk()
    clone = tmp_path / "it's a clone"
    at.box.git("clone", "-q", str(at.remote), str(clone))
    assert at.box.gitbot("-C", str(clone), "hook", "install").code == 0
    at.box.git("checkout", "-q", "-b", "agent-a", cwd=clone)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=clone)
    assert at.push("agent-a", cwd=clone).code == 1
