"""What the hints about clean merges see, and what they pass over."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from gitbot.merge.hints import Version, Work, read_work, suspects, use_after

Files = Mapping[str, str]


def work(before: Files, after: Files) -> Work:
    paths = sorted(before.keys() | after.keys())
    return read_work(Version(path, before.get(path, "").encode(), after.get(path, "").encode()) for path in paths)


def hints(base: Files, user: Files, changer: Files, merged: Files) -> list[str]:
    """What the user's side is told of the changer's."""
    texts = {path: text.encode() for path, text in merged.items()}
    mine, theirs = work(base, user), work(base, changer)
    found = ((one, use_after(one, texts, [mine.lines, theirs.lines])) for one in suspects(mine, theirs))
    return [one.text(use, None, "agent-b") for one, use in found if use is not None]


LIB = {"lib.py": "def area(side):\n    return side * side\n"}
RENAMED = {"lib.py": "def surface(side):\n    return side * side\n"}


def test_a_name_that_one_side_took_away_and_the_other_newly_uses() -> None:
    app = {"app.py": "import lib\n\nprint(lib.area(2))\n"}
    assert hints(LIB, LIB | app, RENAMED, RENAMED | app) == [
        "app.py:3 uses area, which agent-b took out of lib.py",
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"other.py": "def area(side):\n    return 1\n"},
        {"app.py": "area = len\nprint(area([]))\n"},
        {"app.py": "from geometry import area\nprint(area([]))\n"},
        {"app.py": "for area in (1, 2):\n    print(area)\n"},
        {"app.py": "def call(area):\n    print(area)\n"},
        {"app.py": "# area was here\nprint('area')\n"},
        {"app.py": "print(house.area)\n"},
    ],
    ids=["defined elsewhere", "assigned", "imported", "looped over", "parameter", "no code", "member of a value"],
)
def test_a_name_that_has_a_meaning_after_the_merge_is_innocent(more: Files) -> None:
    app = {"app.py": "print(area(2))\n"} | dict(more)
    assert hints(LIB, LIB | app, RENAMED, RENAMED | app) == []


def test_a_name_that_many_a_value_has_as_a_member_counts_where_it_is_a_function() -> None:
    base = {"core.py": "def add(a, b):\n    return a + b\n", "other.py": "seen = set()\nseen.add(1)\n"}
    gone = {"core.py": base["core.py"].replace("add", "plus")}
    app = {"app.py": "from core import add\n\ntotal = add(1, 2)\n"}
    assert hints(base, base | app, base | gone, base | gone | app) == [
        "app.py:1 uses add, which agent-b took out of core.py",
    ]


def test_what_the_changer_left_in_use_means_something_else() -> None:
    base = LIB | {"kept.py": "print(area(1))\n"}
    app = {"app.py": "print(area(2))\n"}
    assert hints(base, base | app, base | RENAMED, base | RENAMED | app) == []


def test_other_languages_are_read_alike() -> None:
    base, gone = {"lib.go": "package a\n\nfunc Area(x int) int {\n}\n"}, {"lib.go": "package a\n\nfunc Size() {\n}\n"}
    app = {"app.go": "package a\n\n// Area of it\nvar one = Area(2)\n"}
    assert hints(base, base | app, gone, gone | app) == ["app.go:4 uses Area, which agent-b took out of lib.go"]


def test_a_use_that_was_there_before_is_the_changers_own_matter() -> None:
    app = {"app.py": "import lib\n\nprint(lib.area(2))\n"}
    assert hints(LIB | app, LIB | app, RENAMED | app, RENAMED | app) == []


def test_a_new_call_that_fitted_until_the_other_side_changed_what_it_calls() -> None:
    base = {"page.py": "def render(a, b):\n    return a\n"}
    changed = {"page.py": "def render(a, b, c):\n    return a\n"}
    app = {"app.py": "from page import render\n\nrender(1,\n       b=2)\n"}
    assert hints(base, base | app, changed, changed | app) == [
        "app.py:3 calls render(1, b=2), which agent-b changed to render(a, b, c)",
    ]


@pytest.mark.parametrize(
    ("before", "after", "call"),
    [
        ("a, b", "a, b, c=1", "1, 2"),
        ("a, b", "a, b, *rest", "1, 2"),
        ("a, b", "a, b, c", "*values"),
        ("a, b", "a, b, c", "1, 2, 3"),
        ("a, b", "b, a", "1, 2"),
    ],
    ids=["default", "rest", "starred", "fits the new one", "other order, same call"],
)
def test_a_call_that_still_fits_is_innocent(before: str, after: str, call: str) -> None:
    base, changed = {"m.py": f"def f({before}):\n    pass\n"}, {"m.py": f"def f({after}):\n    pass\n"}
    app = {"app.py": f"from m import f\nf({call})\n"}
    assert hints(base, base | app, changed, changed | app) == []


def test_methods_count_without_self_and_keywords_by_name() -> None:
    text = "class Page:\n    def draw(self, {}):\n        pass\n"
    base, changed = {"m.py": text.format("size")}, {"m.py": text.format("*, width")}
    app = {"app.py": "page = make()\npage.draw(size=3)\n"}
    assert hints(base, base | app, changed, changed | app) == [
        "app.py:2 calls draw(size=3), which agent-b changed to draw(self, *, width)",
    ]


def test_what_a_decorator_may_have_changed_says_nothing() -> None:
    text = "@command\ndef f({}):\n    pass\n"
    base, changed = {"m.py": text.format("a")}, {"m.py": text.format("a, b")}
    app = {"app.py": "from m import f\nf(1)\n"}
    assert hints(base, base | app, changed, changed | app) == []


def test_one_name_added_by_both_in_two_places_of_one_module() -> None:
    base = {"m.py": "import os\n\nx = 1\ny = 2\nz = 3\n"}
    mine = {"m.py": "import os\n\ndef slug(a):\n    pass\n\nx = 1\ny = 2\nz = 3\n"}
    theirs = {"m.py": "import os\n\nx = 1\ny = 2\nz = 3\n\ndef slug(text):\n    pass\n"}
    merged = {"m.py": mine["m.py"] + "\ndef slug(text):\n    pass\n"}
    assert hints(base, mine, theirs, merged) == ["m.py:3 defines slug, which agent-b added to m.py as well"]
    apart = {"m.py": theirs["m.py"].replace("slug", "slim")}
    assert hints(base, mine, apart, {"m.py": mine["m.py"] + "\ndef slim(text):\n    pass\n"}) == []


def test_a_language_without_a_parser_and_rubbish_say_nothing() -> None:
    for path in ("lib.xyz", "broken.py"):
        base, gone = {path: "def area(side:\n  (((\n"}, {path: "def surface(side:\n  (((\n"}
        app = {"app.py": "area(2)\n"}
        assert hints(base, base | app, gone, gone | app) == []


def test_deeply_nested_and_endless_text_is_passed_over() -> None:
    nested = {"app.py": "area(" * 5000 + "\n", "long.py": "x = area(" + "1, " * 100_000 + ")\n"}
    found = hints(LIB, LIB | nested, RENAMED, RENAMED | nested)
    assert found == ["long.py:1 uses area, which agent-b took out of lib.py"]
