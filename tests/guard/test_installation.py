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
    assert at.gitbot("hook", "install").code == 0
    assert (hooks_of(at) / "pre-push").read_bytes() == before
    assert at.gitbot("hook", "uninstall").code == 0
    assert os.listdir(hooks_of(at)) == []
    assert at.gitbot("hook", "uninstall").code == 0


def test_a_hook_that_is_there_runs_too_with_the_same_input_and_is_given_back(desk: DeskMaker) -> None:
    at = desk(install=False)
    hook = write_hook(at, RECORDER)
    assert at.gitbot("hook", "install").code == 0
    assert at.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0
    tip = at.box.tip("agent-a")
    assert (hooks_of(at) / "seen").read_text() == f"refs/heads/agent-a {tip} refs/heads/agent-a {'0' * 40}\n"
    assert at.gitbot("hook", "uninstall").code == 0
    assert hook.read_text() == RECORDER
    assert sorted(os.listdir(hooks_of(at))) == ["pre-push", "seen"]


def test_both_hooks_have_to_pass(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, "#!/bin/sh\necho no >&2\nexit 3\n")
    assert at.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 1
    (hooks_of(at) / "pre-push.gitbot-prev").write_text("#!/bin/sh\nexit 0\n")
    assert at.push("agent-a").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_a_hook_that_goes_by_its_own_name_runs_under_it_beside_what_it_needs(desk: DeskMaker) -> None:
    at = desk(install=False)
    text = '#!/bin/sh\n. "$(dirname "$0")/more"\nsaid "$(basename "$0")"\n'
    hook = write_hook(at, text)
    (hooks_of(at) / "more").write_text('said() { echo "I am $1" >&2; exit 3; }\n')
    assert at.gitbot("hook", "install").code == 0
    assert at.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    done = at.push("agent-a")
    assert (done.code, done.err.splitlines()[0]) == (1, "I am pre-push")
    assert at.gitbot("hook", "uninstall").code == 0
    assert hook.read_text() == text
    assert sorted(os.listdir(hooks_of(at))) == ["more", "pre-push"]


@pytest.mark.parametrize(
    "text",
    [
        '#!/bin/bash\necho "I am $(basename "${BASH_SOURCE[0]}")" >&2\n',
        "#!/bin/bash\necho I am ${BASH_SOURCE##*/} >&2\n",
        f"#!{sys.executable}\nimport pathlib, sys\nsys.exit('I am ' + pathlib.Path(__file__).name)\n",
        '#!/usr/bin/env perl\nprint STDERR "I am ", __FILE__ =~ s/.*\\///r, "\\n";\n',
    ],
)
def test_a_hook_knows_its_name_in_whatever_language(desk: DeskMaker, text: str) -> None:
    at = desk(install=False)
    write_hook(at, text)
    assert at.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").err.splitlines()[0] == "I am pre-push"


def test_our_hook_still_runs_the_one_before_it_when_another_tool_moves_it_aside(desk: DeskMaker) -> None:
    """The pre-commit framework does that, and calls it under the name that it gives it."""
    at = desk(install=False)
    write_hook(at, RECORDER)
    assert at.gitbot("hook", "install").code == 0
    (hooks_of(at) / "pre-push").rename(hooks_of(at) / "pre-push.legacy")
    write_hook(at, '#!/bin/sh\nexec "$(dirname "$0")/pre-push.legacy" "$@"\n')
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0
    assert (hooks_of(at) / "seen").read_text().startswith("refs/heads/agent-a ")
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1
    assert "not guarded" not in at.gitbot("status").err
    assert at.gitbot("hook", "uninstall").code == 0
    assert (hooks_of(at) / "pre-push.legacy").read_text() == RECORDER
    assert at.push("agent-a").code == 0


def test_a_hook_that_is_not_executable_is_kept_and_still_not_run(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, "#!/bin/sh\nexit 3\n").chmod(0o644)
    assert at.gitbot("hook", "install").code == 0
    at.commit("agent-a", {"src/a/one.py": "a = 2\n"})
    assert at.push("agent-a").code == 0


def test_only_a_file_with_our_mark_is_ever_removed(desk: DeskMaker) -> None:
    at = desk()
    hook = write_hook(at, RECORDER)
    done = at.gitbot("hook", "uninstall")
    assert (done.code, hook.read_text()) == (1, RECORDER)


def test_a_second_foreign_hook_beside_a_kept_one_stops_the_installation(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, RECORDER)
    assert at.gitbot("hook", "install").code == 0
    hook = write_hook(at, "#!/bin/sh\n")
    assert at.gitbot("hook", "install").code == 4
    assert hook.read_text() == "#!/bin/sh\n"
    assert (hooks_of(at) / "pre-push.gitbot-prev").read_text() == RECORDER


@pytest.mark.parametrize(("path", "file"), [(".husky/_", ".husky/pre-push"), ("tools/hooks", "tools/hooks/pre-push")])
def test_a_hooks_folder_inside_the_work_tree_is_not_written_to(desk: DeskMaker, path: str, file: str) -> None:
    at = desk(install=False)
    at.box.git("config", "core.hooksPath", path)
    for verb, deed in (("install", "add this line to"), ("uninstall", "take this line out of")):
        done = at.gitbot("hook", verb)
        assert done.code == 1
        assert f'hint: {deed} {at.box.path / file}: gitbot hook run pre-push "$@"\n' in done.err
    assert at.box.git("status", "--porcelain") == ""
    assert at.gitbot("hook", "status").code == 1


def test_the_line_that_is_printed_guards_inside_another_hook(desk: DeskMaker) -> None:
    at = desk(install=False)
    at.box.git("config", "core.hooksPath", "tools")
    hook = at.box.path / "tools" / "pre-push"
    hook.parent.mkdir()
    hook.write_text('#!/bin/sh\ngitbot hook run pre-push "$@"\n')
    hook.chmod(0o755)
    assert at.gitbot("hook", "status").code == 0
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_hooks_that_are_switched_off_are_said_to_be(desk: DeskMaker) -> None:
    at = desk()
    at.box.git("config", "core.hooksPath", "/dev/null")
    done = at.gitbot("hook", "install")
    assert done.code == 1
    assert "hooks are switched off" in done.err
    assert at.gitbot("hook", "status").code == 1


def test_a_folder_of_hooks_outside_the_repository_is_used(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk(install=False)
    folder = tmp_path / "my hooks"
    at.box.git("config", "core.hooksPath", str(folder))
    assert at.gitbot("hook", "install").code == 0
    assert os.listdir(folder) == ["pre-push"]
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1


def test_a_folder_of_hooks_among_the_files_of_another_repository_is_not_written_to(
    desk: DeskMaker, tmp_path: Path
) -> None:
    at, other = desk(install=False), desk(install=False, name="other.git")
    at.box.git("config", "core.hooksPath", str(other.box.path / "tools" / "hooks"))
    assert at.gitbot("hook", "install").code == 1
    assert other.box.git("status", "--porcelain") == ""


def test_status_tells_for_every_work_tree_whether_the_hook_would_fire(desk: DeskMaker, tmp_path: Path) -> None:
    """A relative core.hooksPath is another folder in each work tree."""
    at = desk()
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    hook = hooks_of(at) / "pre-push"
    done = at.gitbot("hook", "status", cwd=tree)
    assert (done.code, done.out) == (0, f"{at.box.path}: fires\n{tree}: fires\n")
    at.box.git("config", "core.hooksPath", ".git/hooks")
    done = at.gitbot("hook", "status")
    missing = f"does not fire: there is no {tree}/.git/hooks/pre-push"
    assert (done.code, done.out) == (1, f"{at.box.path}: fires\n{tree}: {missing}\n")
    at.box.git("config", "--unset", "core.hooksPath")
    hook.chmod(0o644)
    done = at.gitbot("hook", "status", cwd=tree)
    assert done.code == 1
    assert "is not executable" in done.out


def test_installing_from_a_linked_work_tree_serves_all_of_them(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk(install=False)
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    done = at.gitbot("hook", "install", cwd=tree)
    assert (done.code, done.out) == (0, f"installed {hooks_of(at) / 'pre-push'}\n")


def test_without_gitbot_on_path_the_interpreter_that_installed_it_is_used(
    desk: DeskMaker, sealed_env: dict[str, str]
) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a", env={"PATH": sealed_env["PATH"]}).code == 1


def test_the_interpreter_that_installed_it_comes_before_path(
    desk: DeskMaker, sealed_env: dict[str, str], tmp_path: Path
) -> None:
    at = desk()
    other = tmp_path / "other" / "gitbot"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\necho 'gitbot answers'\n")
    other.chmod(0o755)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    done = at.push("agent-a", env={"PATH": f"{other.parent}:{sealed_env['PATH']}"})
    assert (done.code, "is not pushed" in done.err) == (1, True)


def test_a_module_of_the_work_tree_is_never_imported_by_the_hook(desk: DeskMaker, sealed_env: dict[str, str]) -> None:
    at = desk()
    at.commit("agent-a", {"src/b/two.py": "b = 3\n", "gitbot/__init__.py": "raise SystemExit(0)\n", "click.py": ""})
    assert at.push("agent-a", env={"PATH": sealed_env["PATH"]}).code == 1


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "#!/nowhere/python\n",
        "#!/bin/sh\necho 'Usage: gitbot [release]' >&2\nexit 2\n",
        "#!/bin/sh\necho released\n",
        f"#!{sys.executable}\nimport gitbot.no_such_module\n",
    ],
    ids=["missing", "gone", "another program", "one that says yes to all", "half of it"],
)
def test_a_missing_gitbot_lets_the_push_pass_with_a_warning(
    desk: DeskMaker, sealed_env: dict[str, str], tmp_path: Path, broken: str | None
) -> None:
    """Or is broken, or is another program that has its name; a hook from before still has to pass."""
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
    assert at.gitbot("-C", str(clone), "hook", "install").code == 0
    at.box.git("checkout", "-q", "-b", "agent-a", cwd=clone)
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"}, cwd=clone)
    assert at.push("agent-a", cwd=clone).code == 1


def test_husky_is_recognised_and_its_line_guards(desk: DeskMaker) -> None:
    """Its layout: core.hooksPath is a folder that it writes anew, from which the file one folder up is run."""
    at = desk(install=False)
    inner = at.box.path / ".husky" / "_"
    inner.mkdir(parents=True)
    (inner / ".gitignore").write_text("*")
    (inner / "h").write_text(
        'file=$(dirname "$(dirname "$0")")/$(basename "$0")\n[ ! -f "$file" ] || sh -e "$file" "$@"\n'
    )
    (inner / "pre-push").write_text('#!/usr/bin/env sh\n. "$(dirname "$0")/h"\n')
    (inner / "pre-push").chmod(0o755)
    at.box.git("config", "core.hooksPath", ".husky/_")
    line = line_to_add(at, at.box.path / ".husky" / "pre-push")
    assert at.gitbot("hook", "status").code == 1
    at.commit("main", {".husky/pre-push": f"{line}\necho tests >&2\n"})
    proves_to_guard(at)


LEFTHOOK = """\
import subprocess, sys, yaml
given = sys.stdin.buffer.read()
for command in yaml.safe_load(open("lefthook.yml"))["pre-push"]["commands"].values():
    words = [word.format(*sys.argv) for word in command["run"].split()]
    subprocess.run(words, check=True, input=given if command.get("use_stdin") else b"")
"""


def test_lefthook_is_recognised_and_its_line_guards(desk: DeskMaker, tmp_path: Path) -> None:
    """Its layout: it writes git's own hooks, and renames a hook of anybody else's; a stand-in runs the commands."""
    at = desk(install=False)
    (tmp_path / "lefthook.py").write_text(LEFTHOOK)
    head = "pre-push:\n  commands:\n    say: {run: echo hello}\n"
    at.commit("main", {"lefthook.yml": head})
    line = line_to_add(at, f"{at.box.path / 'lefthook.yml'}, under `commands:` of `pre-push:`")
    write_hook(
        at,
        f'#!/bin/sh\ncall_lefthook() {{ "{sys.executable}" "{tmp_path}/lefthook.py" "$@"; }}\ncall_lefthook "$@"\n',
    )
    assert line_to_add(at, f"{at.box.path / 'lefthook.yml'}, under `commands:` of `pre-push:`") == line
    assert at.gitbot("hook", "status").code == 1
    at.commit("main", {"lefthook.yml": f"{head}    {line}\n"})
    proves_to_guard(at)


def line_to_add(at: Desk, where: object) -> str:
    """What `hook install` prints where it writes nothing."""
    done = at.gitbot("hook", "install")
    assert (done.code, done.out) == (1, "")
    assert at.box.git("status", "--porcelain") == ""
    before, line = done.err.rstrip("\n").split(f"hint: add this line to {where}: ")
    assert before.endswith("nothing was written\n")
    return line


def proves_to_guard(at: Desk) -> None:
    assert at.gitbot("hook", "status").out == f"{at.box.path}: fires\n"
    at.commit("agent-a", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-a").code == 1
    at.commit("agent-b", {"src/b/two.py": "b = 3\n"})
    assert at.push("agent-b").code == 0


@pytest.mark.parametrize(
    ("hook", "fires"),
    [
        ('#!/bin/sh\nexit 0\ngitbot hook run pre-push "$@"\n', False),
        ('#!/bin/sh\n/nowhere/gitbot hook run pre-push "$@" || true\n', False),
        ('#!/bin/sh\ncommand=hook\ngitbot $command run pre-push "$@"\n', True),
    ],
)
def test_status_believes_a_dry_run_more_than_what_a_hook_says(desk: DeskMaker, hook: str, fires: bool) -> None:
    at = desk(install=False)
    write_hook(at, hook)
    done = at.gitbot("hook", "status")
    words = "fires" if fires else "does not fire: a dry run of a push did not get to gitbot"
    assert (done.code, done.out) == (int(not fires), f"{at.box.path}: {words}\n")


def test_a_dry_run_leaves_nothing_and_goes_no_further_than_gitbot(desk: DeskMaker) -> None:
    at = desk(install=False)
    write_hook(at, RECORDER)
    assert at.gitbot("hook", "install").code == 0
    with at.box.watched(dry=True):
        assert at.gitbot("hook", "status").code == 0
    assert not (hooks_of(at) / "seen").exists()


def test_a_work_tree_without_a_commit_is_judged_by_its_files(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk()
    at.box.git("checkout", "-q", "--orphan", "agent-z")
    assert at.gitbot("hook", "status").out == f"{at.box.path}: fires\n"


def test_a_damaged_work_tree_is_told_of_and_hides_no_other(desk: DeskMaker, tmp_path: Path) -> None:
    at = desk()
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    (tree / ".git").write_text("gitdir: /nowhere\n")
    done = at.gitbot("hook", "status")
    assert done.code == 1
    assert done.out.startswith(f"{at.box.path}: fires\n{tree}: does not fire: git rev-parse")
    assert at.gitbot("status").err.startswith(f"note: pushes from {tree} are not guarded: git rev-parse")


def test_status_of_the_branches_says_where_pushes_are_not_guarded(desk: DeskMaker, tmp_path: Path) -> None:
    """Only where plans say who owns what."""
    at, plain = desk(), desk({"a.txt": "a\n"}, install=False, name="plain.git")
    assert at.gitbot("status").err == ""
    assert plain.gitbot("status").err == ""
    tree = tmp_path / "linked"
    at.box.git("worktree", "add", "-q", str(tree), "-b", "agent-a", "main")
    at.box.git("config", "core.hooksPath", ".git/hooks")
    why = f"there is no {tree}/.git/hooks/pre-push; see `gitbot hook status`"
    assert at.gitbot("status").err == f"note: pushes from {tree} are not guarded: {why}\n"
    at.box.git("config", "core.hooksPath", "/dev/null")
    assert at.gitbot("status").err.startswith(f"note: pushes from {at.box.path} and 1 more are not guarded: ")


def test_a_git_that_takes_hooks_from_its_configuration_is_served_that_way(desk: DeskMaker) -> None:
    """Older ones are not told of it."""
    at = desk(install=False)
    version = tuple(map(int, at.box.git("version").split()[2].split(".")[:2]))
    done = at.gitbot("hook", "status")
    assert done.code == 1
    assert ("hook.gitbot.command" in done.err) == (version >= (2, 54))
    at.box.git("config", "hook.gitbot.event", "pre-push")
    at.box.git("config", "hook.gitbot.command", "gitbot hook run pre-push")
    assert at.gitbot("hook", "status").code == int(version < (2, 54))
