"""Who wrote it and in which words stays, whatever form a branch lands in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import Sandbox, SandboxMaker, step
from tests.scenarios.beginnings import base


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    """A branch with a Latin-1 message by somebody without a name, and a main that has moved on."""
    box = sandbox(base(), step("agent-a", {"b.txt": "b\n"}), step("main", {"c.txt": "c\n"}))
    box.git("checkout", "-q", "agent-a")
    (box.path / "message").write_bytes(b"feat: gr\xfc\xdfe\n\nf\xfcr alle\n")
    latin = ("-c", "i18n.commitEncoding=ISO-8859-1")
    box.git(*latin, "commit", "-q", "--amend", "-F", "message")
    (box.path / "message").unlink()
    nameless = "git cat-file commit HEAD | sed 's/^author .*>/author  <>/' | git hash-object -t commit -w --stdin"
    subprocess.run(
        ["sh", "-c", f'git reset -q --hard "$({nameless})"'], cwd=box.path, env={**box.env, "LC_ALL": "C"}, check=True
    )
    box.git("checkout", "-q", "main")
    return box


def test_a_rebase_keeps_a_message_in_another_encoding_and_an_author_without_a_name(box: Sandbox) -> None:
    ran = box.integrate("agent-a", "--strategy", "rebase")
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.git("log", "-1", "--format=%B", "main") == "feat: grüße\n\nfür alle"
    raws = [box.repository.raw(box.tip(name)).partition(b"encoding ")[2] for name in ("main", "agent-a")]
    assert raws[0] == raws[1] == b"ISO-8859-1\n\nfeat: gr\xfc\xdfe\n\nf\xfcr alle\n"
    assert box.git("log", "-1", "--format=%an|%ae|%cn", "main") == "||Grace Hopper"


def test_a_squash_keeps_a_subject_in_another_encoding_and_credits_no_nobody(box: Sandbox) -> None:
    ran = box.integrate("agent-a", "--strategy", "squash")
    assert ran.outcomes == {"agent-a": "landed by squash"}
    assert box.git("log", "-1", "--format=%s", "main") == "feat: grüße"
    assert "Co-authored-by" not in box.git("log", "-1", "--format=%B", "main")


def test_a_merge_credits_nobody_without_a_name(box: Sandbox) -> None:
    ran = box.integrate("agent-a", "--strategy", "merge")
    assert ran.outcomes == {"agent-a": "landed by merge"}
    assert "Co-authored-by" not in box.git("log", "-1", "--format=%B", "main")


def test_an_identity_given_by_the_environment_is_enough_and_never_reaches_the_gate(
    sandbox: SandboxMaker, tmp_path: Path
) -> None:
    box = sandbox(base(), step("agent-a", {"b.txt": "b\n"}), step("main", {"c.txt": "c\n"}))
    given = {f"GIT_{who}_{what}": f"{what}@ci" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    given |= {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": "/dev/null"}
    ran = box.integrate("agent-a", gate='test -z "$(env | grep ^GIT_ | tee /dev/stderr)"', env=given)
    assert ran.outcomes == {"agent-a": "landed by rebase"}
    assert box.git("log", "-1", "--format=%cn <%ce>", "main") == "NAME@ci <EMAIL@ci>"
