from __future__ import annotations

import base64
import quopri
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitbot.errors import PatchError
from gitbot.model.git import Oid, Person
from gitbot.model.merge import ConflictedPath
from gitbot.repository.history import differing_lines
from gitbot.repository.patches import LARGEST, MOST_LINES, Submission, commit_patches, read_submission, touched_lines
from gitbot.repository.workbench import Workbench
from tests.conftest import Sandbox, SandboxMaker, step

GRACE = Person("Grace Hopper", "grace@example.org", 1_800_000_000, 0)
LINES = [f"line {number}" for number in range(1, 31)]
DIFF = """\
diff --git a/x.txt b/x.txt
index 1111111..2222222 100644
--- a/x.txt
+++ b/x.txt
@@ -1,3 +1,3 @@
 line 1
-line 2
+two
 line 3
"""
MAIL = (
    "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
    "From: Ada Lovelace <ada@example.org>\nDate: Tue, 1 Mar 2022 10:00:00 +0130\nSubject: [PATCH] Two\n"
)


def read(data: str | bytes, file: str = "fix.patch") -> Submission:
    return read_submission(data.encode() if isinstance(data, str) else data, file, {"PATH": "/usr/bin:/bin"})


# touched lines


@pytest.mark.parametrize(
    ("patch", "found"),
    [
        (DIFF, {"x.txt": (range(2, 3),)}),
        (DIFF.replace("a/x.txt", "x.txt").replace("b/x.txt", "x.txt"), {"x.txt": (range(2, 3),)}),
        ("--- a/x\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n", {"x": ()}),
        ("--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n", {"x": (range(1, 3),)}),
        ("--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n+a\n b\n+c\n-d\n e\n", {"x": (range(1, 2), range(3, 4))}),
        ("diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29", {"e": ()}),
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", {"y": ()}),
        ('--- "a/\\303\\251\\t.txt"\n+++ "b/\\303\\251\\t.txt"\n@@ -1 +1 @@\n-a\n+b\n', {"é\t.txt": (range(1, 2),)}),
    ],
)
def test_touched_are_the_lines_that_a_diff_adds_or_replaces(patch: str, found: dict[str, tuple[range, ...]]) -> None:
    assert touched_lines(patch) == found


@pytest.mark.parametrize(
    ("patch", "line"),
    [
        ("", 0),
        ("no diff\nat all\n", 2),
        (DIFF.replace("@@ -1,3 +1,3 @@", "@@ -1,9 +1,9 @@"), 9),
        (DIFF.replace("@@ -1,3 +1,3 @@", "@@ -1,1 +1,1 @@"), 7),
        (DIFF.replace("-line 2", "?line 2"), 7),
        (DIFF.replace("@@ -1,3", "@@ -1,x"), 5),
        (DIFF + DIFF.replace("x.txt", "y.txt").replace("@@ -1,3", "@@ bad"), 14),
        (DIFF + "diff --git a/y b/y\nindex 123..456 100644\nGARBAGE\n", 12),
        (DIFF + "more of a line that was wrapped\n", 10),
        (DIFF + "\na footer\n+and a line\n", 12),
        (f" x.txt | 2 +-\n y.txt | 2 +-\n 2 files changed, 2 insertions(+), 2 deletions(-)\n\n{DIFF}", 13),
        (DIFF + "diff --git a/y b/y\nindex 123..456 100644\n", 10),
        (DIFF + "diff --git a/y b/y\nindex 123..456 100644\n--- a/y\n+++ b/y\n", 10),
        (DIFF + "--- a/y\n+++ b/y\n", 11),
        (DIFF + "--- a/y\n", 10),
        (DIFF + " one more\n", 10),
        (DIFF + "-- \n2.39\n@@ -9,1 +9,2 @@\n a\n+b\n", 12),
        ("@@ -1,x +1 @@\n-a\n+b\n" + DIFF, 1),
        (f" x.txt | 3 ++-\n 1 file changed, 2 insertions(+), 1 deletion(-)\n\n{DIFF}", 12),
        (" x | 1 +\n 1 file changed, 1 insertion(+)\n\ndiff --git a/x b/x\nnew file mode 100644\n", 5),
        (f" x.txt | 2 +--\n 1 file changed, 1 insertion(+), 2 deletions(-)\n\n{DIFF}", 12),
        ("diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex 123..456\n", 1),
        ("diff --git a/x b/x\nnew file mode 100644\nindex 0000000..7898192\n", 1),
        ("diff --git a/x b/y\nsimilarity index 90%\nrename from x\nrename to y\n", 1),
        ("diff --git a/x b/x\nindex 123..456\nGIT binary patch\n", 3),
        (DIFF.replace("--- a/x.txt\n", "--- a/x.txt\n" * 2).replace("+++ b/x.txt", "+++ b/y.txt"), 5),
    ],
)
def test_what_is_no_unified_diff_is_refused_with_its_line(patch: str, line: int) -> None:
    with pytest.raises(PatchError, match=rf"^line {line}: "):
        touched_lines(patch)


@pytest.mark.parametrize(
    ("around", "files"),
    [
        ("a word before\n--- cut here ---\n{0}", ["x.txt"]),
        ("Index: x.txt\n===================================================================\n{0}", ["x.txt"]),
        ("{0}\\ No newline at end of file\n\n-- \n2.39.5\n\n_____\nlist mailing list\n", ["x.txt"]),
        ("{0}\n_____\nlist mailing list\n - leave: by mail\n\n{0}", ["x.txt"]),
        ("{0}____________\nlist mailing list\n----\n", ["x.txt"]),
        (" x.txt | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n{0}", ["x.txt"]),
        ("{0}diff --git a/e b/e\nnew file mode 100644\nindex 0000000..e69de29\n{0}", ["x.txt", "e"]),
        ("{0}diff --git a/e b/e\nold mode 100644\nnew mode 100755\n\n-- \n2.39\n", ["x.txt", "e"]),
        ("{0}diff --git a/e b/e\nindex 123..456 100644\nBinary files a/e and b/e differ\n{0}", ["x.txt", "e"]),
    ],
)
def test_what_people_and_tools_put_around_a_diff_is_no_part_of_it(around: str, files: list[str]) -> None:
    assert list(touched_lines(around.format(DIFF))) == files


_TEXTS = st.lists(
    st.sampled_from(["a", "b", "", "-- c", "++ d", "@@ -1 +1 @@", "\x0c", "\u2028", "é\r"]), max_size=12
)


@given(_TEXTS, _TEXTS, st.integers(0, 4))
def test_unidiff_and_git_agree_on_the_lines_whatever_the_context(old: list[str], new: list[str], around: int) -> None:
    before, after = ("".join(f"{line}\n" for line in text).encode() for text in (old, new))
    patch = pygit2.Patch.create_from(before, after, "x", "x", context_lines=around).data.decode()
    found = {line for span in touched_lines(patch).get("x", ()) for line in span} if patch else set()
    assert found == {line + 1 for _, _, start, end in differing_lines(before, after) for line in range(start, end)}


# Reading


@given(st.text(st.sampled_from('\n \t+-@\\abF"/:,0123'), max_size=120) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = touched_lines(text)
    except PatchError:
        return
    assert found


@pytest.mark.parametrize("line", ["diff --git " + "://" * 1000 + "x " * 2000, "Binary files " + "x and " * 10_000])
def test_lines_that_would_keep_a_pattern_busy_are_refused_unread(line: str) -> None:
    with pytest.raises(PatchError):
        touched_lines(f"{DIFF}{line}\n")


@pytest.mark.parametrize(
    "path", ["../x.txt", "/etc/passwd", "a/../../x", ".git/config", "sub/.GIT/hooks/x", "git~1/config", "a//b"]
)
@pytest.mark.parametrize(
    "form", ["--- a/{0}\n+++ b/{0}\n{1}", "--- {0}\n+++ {0}\n{1}", "--- /dev/null\n+++ b/{0}\n{1}"]
)
def test_a_path_that_no_checkout_can_have_is_refused(path: str, form: str) -> None:
    with pytest.raises(PatchError, match=r"^fix.patch: line [12]: .* is outside of what a repository can hold$"):
        read(form.format(path, "@@ -0,0 +1 @@\n+x\n"))


def test_a_rename_out_of_the_repository_is_refused_though_the_headers_look_well() -> None:
    with pytest.raises(PatchError, match="outside"):
        read("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to ../y\n")


def test_a_broken_mail_is_refused_with_its_line_in_the_mailbox() -> None:
    broken = f"{MAIL}\nwhy\n---\n\n{DIFF.replace('-line 2', '?line 2')}-- \n2.39\n"
    whole = f"{MAIL}\nwhy\n---\n\n{DIFF}-- \n2.39\n\n"
    with pytest.raises(PatchError, match=r"^fix.patch, mail 2: line 35: "):
        read(whole + broken)


@pytest.mark.parametrize(
    ("mails", "words"),
    [
        ([(1, True), (2, False)], "fix.patch, mail 2: line 20: it is 2 of 2 and has no diff"),
        ([(0, False), (1, True)], "fix.patch: line 26: it ends without mail 2 of 2"),
        ([(2, True), (1, True)], None),
        ([(0, False), (2, True), (1, True)], None),
        ([(2, True)], None),
        ([(2022, True), (1, True), (2, True)], None),
    ],
)
def test_a_mailbox_lands_whole_or_not_at_all(mails: list[tuple[int, bool]], words: str | None) -> None:
    """Cut off in a later mail; a cover letter has no diff, and one mail of a series can be handed in by itself."""
    one = f"{MAIL}\nwhy\n---\n\n{DIFF}-- \n2.39\n"
    texts = [one if whole else f"{MAIL}\nwhy\n---\n" for _, whole in mails]
    numbered = zip(mails, texts, strict=True)
    box = "".join(text.replace("[PATCH]", f"[PATCH v2 {number}/2]") for (number, _), text in numbered)
    if words is None:
        assert {patch.message for patch in read(box).patches} == {"Two\n\nwhy\n"}
        return
    with pytest.raises(PatchError) as refused:
        read(box)
    assert refused.value.message == words


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"x" * (LARGEST + 1), "fix.patch has more than 8 MiB or 200000 lines"),
        (b"x\n" * (MOST_LINES + 1), "fix.patch has more than 8 MiB or 200000 lines"),
        (f"{MAIL}\nno patch\n".encode(), "fix.patch: no mail in it has a patch"),
        (b"", "fix.patch: line 0: there is no unified diff up to here"),
        (b"\0\xff\xfe", "fix.patch: line 1: there is no unified diff up to here"),
    ],
)
def test_what_cannot_be_a_submission_is_said(data: bytes, words: str) -> None:
    with pytest.raises(PatchError) as refused:
        read(data)
    assert refused.value.message.startswith(words)


@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_a_mail_gives_author_date_subject_and_text_in_whatever_encoding(encoding: str) -> None:
    subject = "Subject: =?utf-8?q?=5BPATCH_2/3=5D_Zw=C3=B6lf?="
    head = MAIL.replace("Subject: [PATCH] Two", subject).replace("Ada Lovelace", "=?iso-8859-1?q?Ad=E4?=")
    head += f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: {encoding}\n"
    body = f"Größe.\n\nGitbot-Plan: A\n>From here\n---\n x.txt | 2 +-\n\n{DIFF}-- \n2.39\n".encode()
    if encoding == "base64":
        body = base64.encodebytes(body)
    elif encoding == "quoted-printable":
        body = quopri.encodestring(body)
    submission = read(head.encode() + b"\n" + body, "0001-x.mbox")
    (patch,) = submission.patches
    assert (submission.name, submission.plan, patch.paths) == ("0001-x", "A", ("x.txt",))
    assert patch.author == Person("Adä", "ada@example.org", 1646123400, 90)
    assert patch.message.startswith("Zwölf\n\nGröße.\n\nGitbot-Plan: A\n")
    assert patch.message.endswith("From here\n")


def test_a_cover_letter_is_passed_over_and_crlf_of_the_post_is_undone() -> None:
    mails = f"{MAIL}\nabout all\n\n{MAIL}\n---\n{DIFF}".replace("\n", "\r\n")
    (patch,) = read(mails).patches
    assert b"\r" not in patch.diff


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Tue, 1 Mar 99999999 10:00:00 +9999", "Thu, 1 Jan 1970 00:00:00 -9959"]
)
def test_a_date_that_is_none_does_no_harm(date: str) -> None:
    (patch,) = read(MAIL.replace("Tue, 1 Mar 2022 10:00:00 +0130", date) + "\n---\n" + DIFF).patches
    assert patch.author is not None
    assert patch.author.time >= 0


# Applying


@pytest.fixture
def box(sandbox: SandboxMaker) -> Sandbox:
    return sandbox(step("main", {"x.txt": LINES, "docs/größe.txt": LINES}))


def applied(box: Sandbox, tmp_path: Path, data: str | bytes) -> Oid | ConflictedPath:
    submission = read_submission(data.encode() if isinstance(data, str) else data, "p", box.env)
    with Workbench(box.repository, tmp_path / "scratch", box.tip("main")) as bench:
        found = commit_patches(bench, submission, box.tip("main"), GRACE)
        if not isinstance(found, ConflictedPath):
            bench.promote(found)
    return found


def test_a_branch_sent_by_mail_is_the_same_branch_again(box: Sandbox, tmp_path: Path) -> None:
    """Rename, mode, deletion, binary, link, submodule, a quoted name, no newline at the end, and every message."""
    box.git("checkout", "-q", "-b", "work")
    box.git("mv", "docs/größe.txt", "docs/ta\tb.txt")
    (box.path / "x.txt").write_bytes(b"no newline\r\nat the end")
    (box.path / "image.bin").write_bytes(bytes(range(256)) * 20)
    (box.path / "link").symlink_to("x.txt")
    box.git("add", "-A")
    box.git("update-index", "--add", "--chmod=+x", "--cacheinfo", f"160000,{box.tip('main')},sub")
    box.git("update-index", "--chmod=+x", "x.txt")
    box.git("commit", "-q", "-m", "All kinds\n\n1. From the\n\nFrom now on it is\n")
    (box.path / "image.bin").unlink()
    box.git("commit", "-q", "-a", "-m", "Take away", "--author", "Zoë <zoe@example.org>")
    box.git("format-patch", "--binary", "main..work", f"--output={tmp_path / 'mbox'}")
    box.git("checkout", "-q", "-f", "main")
    found = applied(box, tmp_path, (tmp_path / "mbox").read_bytes())
    assert isinstance(found, str)
    form = "--format=%T %an <%ae> %ai %B"
    assert box.git("log", form, f"main..{found}") == box.git("log", form, "main..work")
    assert box.git("for-each-ref", "--contains", found) == ""


def test_a_patch_of_an_earlier_state_stands_on_that_state(box: Sandbox, tmp_path: Path) -> None:
    start = box.tip("main")
    (box.path / "x.txt").write_text("\n".join([LINES[0], "zwei", *LINES[2:]]) + "\n")
    box.git("commit", "-q", "-a", "-m", "changed meanwhile")
    (box.path / "docs/größe.txt").write_text("other\n")
    box.git("commit", "-q", "-a", "-m", "elsewhere")
    found = applied(box, tmp_path, DIFF)
    assert box.git("rev-parse", f"{found}~1") == start


def test_the_blobs_that_a_patch_names_are_merged_where_it_fits_no_state_of_the_target(
    box: Sandbox, tmp_path: Path
) -> None:
    box.git("checkout", "-q", "-b", "other")
    (box.path / "x.txt").write_text("\n".join(["first", *LINES[1:]]) + "\n")
    box.git("commit", "-q", "-a", "-m", "never landed")
    (box.path / "x.txt").write_text("\n".join(["first", "two", *LINES[2:29], "last"]) + "\n")
    patch = box.git("diff", "--full-index", "-U1") + "\n"
    box.git("checkout", "-q", "-f", "main")
    box.git("rm", "-q", "docs/größe.txt")
    box.git("commit", "-q", "-m", "elsewhere")
    found = applied(box, tmp_path, patch)
    assert isinstance(found, ConflictedPath)
    (box.path / "x.txt").write_text("\n".join(["first", *LINES[1:29], "last"]) + "\n")
    tail = box.git("diff", "--full-index", "-U28", "other") + "\n"
    box.git("checkout", "-q", "-f", "main")
    found = applied(box, tmp_path, tail)
    assert box.show(str(found), "x.txt").splitlines() == [*LINES[:29], "last"]


def test_a_misfit_names_the_hunk(box: Sandbox, tmp_path: Path) -> None:
    found = applied(box, tmp_path, DIFF.replace(" line 3", " another"))
    assert found == ConflictedPath("x.txt", "patch", refused="its hunk @@ -1,3 +1,3 @@ does not apply")
    missing = applied(box, tmp_path, DIFF.replace("x.txt", "gone.txt"))
    assert missing == ConflictedPath("gone.txt", "patch", refused="gone.txt: does not exist in index")


def test_a_patch_without_prefixes_is_applied_as_it_stands(box: Sandbox, tmp_path: Path) -> None:
    plain = DIFF.split("\n", 2)[2].replace("a/x.txt", "x.txt").replace("b/x.txt", "x.txt")
    assert box.show(str(applied(box, tmp_path, plain)), "x.txt").splitlines()[1] == "two"


def test_a_diff_that_an_editor_gave_other_line_ends_is_applied_as_git_does(box: Sandbox, tmp_path: Path) -> None:
    crlf = f"{DIFF}\n___________\na list\n".replace("\n", "\r\n")
    assert box.show(str(applied(box, tmp_path, crlf)), "x.txt").splitlines()[1] == "two"


def test_a_diff_whose_last_line_has_no_end_is_whole_when_its_hunk_is(box: Sandbox, tmp_path: Path) -> None:
    assert box.show(str(applied(box, tmp_path, DIFF.rstrip("\n"))), "x.txt").splitlines() == [
        *(LINES[0], "two"),
        *LINES[2:],
    ]


def test_a_file_beyond_a_link_is_not_written(box: Sandbox, tmp_path: Path) -> None:
    link = "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/tmp\n"
    link += "\\ No newline at end of file\n"
    through = "diff --git a/l/x b/l/x\nnew file mode 100644\n--- /dev/null\n+++ b/l/x\n@@ -0,0 +1 @@\n+x\n"
    assert isinstance(applied(box, tmp_path, link + through), ConflictedPath)


def test_a_binary_that_unpacks_to_more_than_memory_holds_is_no_more_than_a_misfit(
    box: Sandbox, tmp_path: Path
) -> None:
    head = f"diff --git a/i b/i\nnew file mode 100644\nindex {'0' * 40}..{'1' * 40}\nGIT binary patch\n"
    found = applied(box, tmp_path, f"{head}literal 90000000000\nJcmbQx@ey{{V0RT{{@5C@h\n\nliteral 0\nHcmV?d00001\n\n")
    assert isinstance(found, ConflictedPath)


@pytest.mark.parametrize("words", [(), ("--no-prefix",), ("--src-prefix=i/", "--dst-prefix=w/")])
def test_spaces_in_names_are_no_end_of_a_name(box: Sandbox, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Not even before a folder's `b/`; new, changed, renamed with changes and without, copied, with a mode alone."""
    names = ("plan b/x y.txt", "a b/b c.txt", "to b/go away", "b/ b/m", "ta\tb b/x")
    for name in names:
        (box.path / name).parent.mkdir(parents=True, exist_ok=True)
        (box.path / name).write_text(f"{name}\n" + "\n".join(LINES))
    box.git("add", "-A")
    box.git("commit", "-q", "-m", "names")
    (box.path / "new b").mkdir()
    for name, to in zip(names, ("plan b/y z.txt", "new b/b/d c.txt", "new b/w", "b/ b/n", "ta b b/y"), strict=True):
        (box.path / to).parent.mkdir(parents=True, exist_ok=True)
        box.git("mv", name, to)
    (box.path / "new b/b/d c.txt").write_text("\n".join([*LINES, "more"]) + "\n")
    (box.path / "new b/a b new.txt").write_text("--- a/ b/x\n+++ b/ b/x\n")
    (box.path / "x.txt").rename(box.path / "x b.txt")
    (box.path / "new b/w").chmod(0o755)
    box.git("add", "-A")
    patch = box.git("diff", "--cached", "--binary", "-M", *words) + "\n"
    tree = box.git("write-tree")
    box.git("reset", "-q", "--hard")
    assert box.git("rev-parse", f"{applied(box, tmp_path, patch)}^{{tree}}") == tree


@pytest.mark.parametrize("cut", [-1, -7])
def test_a_part_of_a_diff_that_names_what_a_file_becomes_is_not_taken_for_it(
    box: Sandbox, tmp_path: Path, cut: int
) -> None:
    """Whatever was lost: that the last line has no end, or a whole hunk; also on an earlier state of the target."""
    (box.path / "x.txt").write_text("\n".join(["one", *LINES[1:29], "last"]))
    lines = box.git("diff").splitlines()
    assert lines[-1] == "\\ No newline at end of file"
    box.git("checkout", "-q", "-f", "main")
    found = applied(box, tmp_path, "\n".join(lines[:cut]) + "\n")
    assert isinstance(found, ConflictedPath)
    assert (found.path, (found.refused or "").partition(":")[0]) == (
        "x.txt",
        "it is not what the patch says it becomes",
    )
    assert isinstance(applied(box, tmp_path / "whole", "\n".join(lines) + "\n"), str)
