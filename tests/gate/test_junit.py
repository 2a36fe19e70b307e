"""Reports in JUnit's XML, also from tests that mean no good."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitbot.gate import junit

GOOD = (
    '<?xml version="1.0" encoding="utf-8"?><testsuites><testsuite name="s" tests="99">'
    '<testcase classname="tests.a" name="passes"/>'
    '<testcase classname="tests.a" name="fails"><failure message="m">text</failure></testcase>'
    '<testcase name="breaks"><error/><system-out>x</system-out></testcase>'
    '<testcase classname="tests.a" name="later"><skipped/></testcase>'
    "</testsuite></testsuites>"
)
BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'


def write(folder: Path, *texts: str | bytes) -> None:
    (folder / "reports").mkdir()
    for number, text in enumerate(texts):
        data = text if isinstance(text, bytes) else text.encode()
        (folder / "reports" / f"{number}.xml").write_bytes(data)


def test_tests_are_counted_one_by_one_over_all_files(tmp_path: Path) -> None:
    write(tmp_path, GOOD, '<testsuite><testcase classname="b" name="ok"/></testsuite>')
    report = junit.read(tmp_path, "reports/*.xml")
    assert report is not None
    assert report == junit.Report(
        ran=["tests.a::passes", "tests.a::fails", "breaks", "b::ok"],
        skipped=["tests.a::later"],
        failing=["tests.a::fails", "breaks"],
    )


def test_where_a_file_cannot_be_read_the_rest_counts_and_is_not_taken_for_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, GOOD, GOOD[:-20])
    report = junit.read(tmp_path, "reports/*.xml")
    assert report is not None
    assert (len(report.ran), report.whole) == (3, False)
    monkeypatch.setattr(junit, "MOST_BYTES", len(GOOD) + 1)
    (tmp_path / "reports" / "1.xml").write_text(GOOD)
    report = junit.read(tmp_path, "reports/*.xml")
    assert report is not None
    assert (len(report.ran), report.whole) == (3, False)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite><testcase name="x"/></testsuite>',
        '<testsuite><testcase name="&undefined;"/></testsuite>',
        GOOD[:-20],
        "no XML",
        "",
        b"\xff\xfe\x00rubbish",
        '<?xml version="1.0" encoding="no-such-one"?><testsuite/>',
        b"<testsuite>" + b" " * junit.LARGEST + b"</testsuite>",
        "<a>" * 100_000,
    ],
)
def test_a_file_that_is_no_plain_report_says_nothing(tmp_path: Path, text: str | bytes) -> None:
    write(tmp_path, text)
    assert junit.read(tmp_path, "reports/*.xml") is None


def test_an_empty_report_says_that_no_test_ran(tmp_path: Path) -> None:
    write(tmp_path, "<testsuites/>")
    report = junit.read(tmp_path, "**/*.xml")
    assert report is not None
    assert report == junit.Report()


def test_only_files_of_the_checkout_are_read_and_none_that_never_ends(tmp_path: Path) -> None:
    outside, checkout = tmp_path / "outside", tmp_path / "checkout"
    outside.mkdir()
    write(outside, GOOD)
    (checkout / "reports" / "folder.xml").mkdir(parents=True)
    (checkout / "reports" / "link.xml").symlink_to(outside / "reports" / "0.xml")
    (checkout / "reports" / "zero.xml").symlink_to("/dev/zero")
    (checkout / "reports" / "loop.xml").symlink_to("loop.xml")
    os.mkfifo(checkout / "reports" / "pipe.xml")
    (checkout / "away").symlink_to(outside / "reports")
    assert junit.read(checkout, "reports/*.xml") is None
    assert junit.read(checkout, "away/*.xml") is None
    junit.forget(checkout, "*/*.xml")
    assert (outside / "reports" / "0.xml").exists()
    assert [path.name for path in (checkout / "reports").iterdir()] == ["folder.xml"]


def test_without_a_pattern_there_is_no_report(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    junit.forget(tmp_path, "")
    assert junit.read(tmp_path, "") is None
    assert (tmp_path / "reports" / "0.xml").exists()
