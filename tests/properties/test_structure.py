"""What holds for every merge by structure, on registries and modules whose items have distinct names."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.languages import strict_parse
from gitbot.merge.edits import Refused
from gitbot.merge.structure import merge_items

few = settings(max_examples=40, deadline=None)

Entries = dict[str, int]  # in order; every value is a line of its own
Sides = tuple[Entries, Entries, Entries]


def _each(line: str, head: str = "", foot: str = "", between: str = "") -> Callable[[Entries], str]:
    return lambda items: head + between.join(line.format(name, value) for name, value in items.items()) + foot


NOTATIONS: dict[str, tuple[str, Callable[[Entries], str]]] = {
    "functions": ("a.py", _each("# {0}\ndef {0}():\n    return {1}\n", between="\n\n")),
    "methods": ("a.py", _each("    def {0}(self):\n        return {1}\n", "class A:\n    '''A.'''\n", "\nx = 1\n")),
    "dictionary": ("a.py", _each('    "{0}": {1},\n', "COMMANDS = {\n", "}\n")),
    "call": ("a.py", _each("\n    '{0}': {1}", "run({", "\n})\n", ",")),
    "object": ("a.json", _each('\n  "{0}": [\n    {1}\n  ]', "{", "\n}\n", ",")),
    "table": ("a.toml", _each("{0} = {1} # {0}\n", "[a]\n", "\n[b]\nx = 1\n")),
    "mapping": ("a.yaml", _each("  {0}:\n    x: {1}\n", "a:\n  here: 1\n")),
    "constants": ("a.ts", _each("/** {0} */\nexport const {0} = {1};\n")),
    "map": ("a.go", _each('\t"{0}": {1},\n', "package a\n\nvar all = map[string]int{\n", "}\n")),
    "members": ("a.rs", _each("    #[{0}]\n    fn {0}() {{ {1} }}\n", "impl A {\n", "}\n")),
    "fields": ("A.java", _each("    int {0} = {1};\n", "class A {\n", "}\n")),
}


@st.composite
def three(draw: st.DrawFn) -> Sides:
    """A base, and two sides that change, delete and add entries, each with its own names and values."""
    base = {f"b{number}": number for number in range(draw(st.integers(1, 6)))}
    return base, draw(changed(base, "o", 100)), draw(changed(base, "t", 200))


@st.composite
def changed(draw: st.DrawFn, base: Entries, mark: str, value: int) -> Entries:
    entries = [(name, draw(st.sampled_from([old, old, old, old + value, None]))) for name, old in base.items()]
    side = [(name, kept) for name, kept in entries if kept is not None]
    for number in range(draw(st.integers(0, 3))):
        side.insert(draw(st.integers(0, len(side))), (f"{mark}{number}", value + 50 + number))
    return dict(side)


def merged(notation: str, base: Entries, ours: Entries, theirs: Entries) -> bytes | Refused | None:
    path, written = NOTATIONS[notation]
    return merge_items(path, *(written(side).encode() for side in (base, ours, theirs)))


def wanted(base: Entries, ours: Entries, theirs: Entries) -> Entries | None:
    """The entries of a three-way merge, by an oracle that knows nothing of order; None where both changed one."""
    result: Entries = {}
    for name in {**base, **ours, **theirs}:
        b, o, t = (side.get(name) for side in (base, ours, theirs))
        if b not in (o, t) and o != t:
            return None
        kept = t if o == b else o
        if kept is not None:
            result[name] = kept
    return result


def lines(text: bytes) -> list[str]:
    return sorted(line.strip().rstrip(",") for line in text.decode().split("\n") if line.strip())


@pytest.mark.parametrize("notation", NOTATIONS)
@given(sides=three())
@few
def test_what_either_side_did_is_done_once(notation: str, sides: Sides) -> None:
    """Whatever is merged has the entries of both sides, each once, and parses."""
    result, entries = merged(notation, *sides), wanted(*sides)
    if isinstance(result, bytes):
        path, written = NOTATIONS[notation]
        assert entries is not None
        assert lines(result) == lines(written(entries).encode())
        assert strict_parse(path, result)


@pytest.mark.parametrize("notation", NOTATIONS)
@given(sides=three())
@few
def test_additions_alone_are_never_refused(notation: str, sides: Sides) -> None:
    base, ours, theirs = sides
    ours, theirs = (base | {name: side[name] for name in side if name not in base} for side in (ours, theirs))
    assert isinstance(merged(notation, base, ours, theirs), bytes)


@pytest.mark.parametrize("notation", NOTATIONS)
@given(sides=three())
@few
def test_one_side_alone_is_taken_as_it_is(notation: str, sides: Sides) -> None:
    """merge(b, x, x) = merge(b, b, x) = merge(b, x, b) = x, byte for byte."""
    base, side, _ = sides
    expected = NOTATIONS[notation][1](side).encode()
    for ours, theirs in ((side, side), (base, side), (side, base)):
        assert merged(notation, base, ours, theirs) == expected


@pytest.mark.parametrize("notation", NOTATIONS)
@given(sides=three())
@few
def test_the_sides_may_change_places(notation: str, sides: Sides) -> None:
    """The same lines come out, or both ways are refused."""
    base, ours, theirs = sides
    one, other = merged(notation, base, ours, theirs), merged(notation, base, theirs, ours)
    assert isinstance(one, bytes) == isinstance(other, bytes)
    if isinstance(one, bytes) and isinstance(other, bytes):
        assert lines(one) == lines(other)
