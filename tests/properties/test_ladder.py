"""What holds for the rungs that work on words, keys, declarations and white space, and what the invariants refuse."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitbot.merge.edits import Lines, split_lines
from gitbot.merge.hunks import Conflicts, read_conflicts
from gitbot.merge.invariants import Grain, find_breach, split_tokens
from gitbot.merge.rungs import Manner, Refused, Settled, settle
from tests.merge.conflicted import conflicted, union

Texts = tuple[bytes, bytes, bytes]

few = settings(max_examples=60, deadline=None)
GRAINS = {"line-disjoint": Grain.LINES, "tokens": Grain.TOKENS, "keys": Grain.TOKENS, "entities": Grain.TOKENS}


def settled(texts: Texts, path: str, manner: Manner = Manner.BOLD) -> tuple[Settled, ...]:
    file = conflicted(*texts, path=path)
    answer: tuple[Settled, ...] | Refused = () if file is None else settle(file, manner)
    return () if isinstance(answer, Refused) else answer


@st.composite
def changed_words(draw: st.DrawFn) -> Texts:
    """Lines of four words, in which each side replaces some by words that nothing else has."""
    rows = draw(st.integers(1, 3))
    base = [[f"b{row}{column}" for column in range(4)] for row in range(rows)]
    sides = []
    for name in "ot":
        marks = draw(st.lists(st.tuples(st.integers(0, rows - 1), st.integers(0, 3)), min_size=1, max_size=3))
        side = [list(row) for row in base]
        for row, column in marks:
            side[row][column] = f"{name}{row}{column}"
        sides.append(side)
    return _rows(base), _rows(sides[0]), _rows(sides[1])


def _rows(rows: list[list[str]]) -> bytes:
    return "".join(", ".join(row) + "\n" for row in rows).encode()


@st.composite
def changed_entries(draw: st.DrawFn) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
    """Three mappings; what a side adds or changes gets a value that no other has."""
    base = {f"k{number}": number for number in range(draw(st.integers(1, 5)))}
    sides = []
    for start in (100, 200):
        side = dict(base)
        for number in draw(st.lists(st.integers(0, 8), min_size=1, max_size=3, unique=True)):
            if f"k{number}" in base and draw(st.booleans()):
                del side[f"k{number}"]
            else:
                side[f"k{number}"] = start + number
        sides.append(side)
    return base, sides[0], sides[1]


def _json(value: dict[str, int]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _functions(value: dict[str, int]) -> bytes:
    return "\n\n".join(f"def {name}():\n    return {number}\n" for name, number in value.items()).encode()


def _merged(base: dict[str, int], ours: dict[str, int], theirs: dict[str, int]) -> dict[str, int]:
    """A three-way merge of mappings that knows nothing of text."""
    found = {}
    for key in base.keys() | ours.keys() | theirs.keys():
        side = theirs if ours.get(key) == base.get(key) else ours
        if key in side:
            found[key] = side[key]
    return found


@given(changed_words())
@few
def test_words_of_both_sides_are_there_as_often_as_written(texts: Texts) -> None:
    base, ours, theirs = (Counter(split_tokens(text)) for text in texts)
    words = {key: base[key] + (ours[key] - base[key]) + (theirs[key] - base[key]) for key in base | ours | theirs}
    for answer in settled(texts, "words"):
        found = Counter(split_tokens(answer.data))
        assert {key: max(0, count) for key, count in words.items() if key.isalnum()} == {
            key: found[key] for key in words if key.isalnum()
        }


@given(changed_entries())
@few
def test_keys_of_data_are_merged_as_mappings_are(values: tuple[dict[str, int], ...]) -> None:
    for answer in settled((_json(values[0]), _json(values[1]), _json(values[2])), "data.json"):
        assert json.loads(answer.data) == _merged(*values)


@given(changed_entries())
@few
def test_declarations_are_merged_as_mappings_are(values: tuple[dict[str, int], ...]) -> None:
    for answer in settled((_functions(values[0]), _functions(values[1]), _functions(values[2])), "code.py"):
        found = re.findall(rb"def (\w+)\(\):\n    return (\d+)\n", answer.data)
        assert {name.decode(): int(number) for name, number in found} == _merged(*values)
        assert len(found) == len(_merged(*values))


@given(st.one_of(changed_words(), changed_entries().map(lambda found: tuple(map(_functions, found)))))
@few
def test_words_and_declarations_do_not_ask_whose_side_is_whose(texts: Texts) -> None:
    base, ours, theirs = texts
    there, back = settled((base, ours, theirs), "code.py"), settled((base, theirs, ours), "code.py")
    assert {_sorted(answer.data) for answer in there} == {_sorted(answer.data) for answer in back}


def _sorted(data: bytes) -> Lines:
    return tuple(sorted(filter(None, split_lines(data))))


MUTANTS: dict[str, Callable[[Lines, Texts], bytes]] = {
    "loses a new line": lambda lines, texts: b"".join(_without_new(lines, texts)),
    "doubles a line": lambda lines, texts: b"".join((*lines, lines[-1])),
    "makes a line up": lambda lines, texts: b"".join((*lines, b"nobody = wrote_this\n")),
    "takes the target's side": lambda lines, texts: texts[1],
    "takes the branch's side": lambda lines, texts: texts[2],
    "is git's union": lambda lines, texts: union(*texts),
}
MERGED: dict[str, tuple[str, Texts]] = {
    "line-disjoint": ("notes", (b"a\nb\nc\n", b"A\nb\nc\n", b"a\nB\nc\n")),
    "tokens": ("notes", (b"a, b\n", b"x, b\n", b"a, y\n")),
    "keys": ("d.json", (b'{\n  "a": 1\n}\n', b'{\n  "a": 1,\n  "o": 2\n}\n', b'{\n  "a": 1,\n  "t": 3\n}\n')),
    "entities": (
        "c.py",
        (
            b"def a():\n    return 1\n",
            b"def a():\n    return 2\n\n\ndef o():\n    return 3\n",
            b"def a():\n    return 1\n\n\ndef t():\n    return 4\n",
        ),
    ),
}


def _without_new(lines: Lines, texts: Texts) -> Lines:
    last = max(at for at, line in enumerate(lines) if line not in split_lines(texts[0]))
    return lines[:last] + lines[last + 1 :]


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("rung", MERGED)
def test_the_invariants_refuse_what_a_wrong_rung_would_write(rung: str, mutant: str) -> None:
    path, texts = MERGED[rung]
    file = conflicted(*texts, path=path)
    assert file is not None
    conflicts = read_conflicts(file)
    assert isinstance(conflicts, Conflicts)
    right = settled(texts, path)[0]
    assert right.how == rung
    assert find_breach(file, conflicts, right.data, GRAINS[rung]) is None
    wrong = MUTANTS[mutant](split_lines(right.data), texts)
    assert find_breach(file, conflicts, wrong, GRAINS[rung]) is not None


@given(changed_words(), st.sampled_from(["notes", "a.js"]))
@few
def test_what_both_changed_alike_is_changed_once(texts: Texts, path: str) -> None:
    """The same change beside a conflict, where git may draw it into the hunk."""
    base, ours, _ = texts
    for answer in settled((b"p\n" + base, b"o\n" + ours, b"t\n" + ours), path):
        assert answer.data.endswith(ours)
