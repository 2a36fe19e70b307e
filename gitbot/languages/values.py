"""Where the entries of arrays and objects are, in the notation that JSON, TOML, YAML's flow style and Python share.

For texts that a strict parser has accepted: it knows brackets, strings, commas and comments, nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gitbot.languages.outline import Part, Place, beginning

_TOKEN = re.compile(
    rb"""\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|'[^'\n]*'"""
    rb"""|\#[^\n]*|[\[\](){},:=\n]|[^\s\[\](){},:="'#]+""",
    re.DOTALL,
)
_CLOSING = {b"]": b"[", b"}": b"{", b")": b"("}


@dataclass(slots=True)
class _Open:
    """A bracket whose end has not come yet, and the entry that is being read in it."""

    sign: bytes
    at: int
    start: int = -1
    stop: int = -1
    colon: int = -1  # behind the entry's key
    value: int = -1  # where what is no key begins
    nested: Part | None = None  # all of the value
    parts: list[Part] = field(default_factory=list)

    def take(self, start: int, sign: bytes) -> None:
        """One more word of the entry."""
        self.start = start if self.start < 0 else self.start
        self.stop, self.nested = start + len(sign), None
        if sign in (b":", b"=") and self.sign == b"{" and self.colon < 0:
            self.colon, self.value = start, -1
        elif self.value < 0:
            self.value = start

    def end_entry(self, data: bytes) -> None:
        if self.colon >= 0:
            part = Part(self.start, self.stop, data[self.start : self.colon].rstrip().decode("utf-8", "replace"))
            self.parts.append(self.nested.put_into(part) if self.nested else part)
        elif self.start >= 0:
            key = beginning(data[self.start : self.stop])
            self.parts.append(Part(self.start, self.stop, key, place=Place.LISTED))
        self.start = self.colon = self.value = -1

    def closed(self, data: bytes, stop: int, *, sets: bool) -> Part:
        """The container; without the entries of an array that is no set."""
        self.end_entry(data)
        keys = {part.key for part in self.parts}
        if sets and self.sign == b"[" and (len(keys) < len(self.parts) or any(key[0] in "[{" for key in keys)):
            return Part(self.at, stop, "")
        return Part(self.at, stop, "", inner=(self.at + 1, stop - 1), parts=tuple(self.parts), commas=True)


def value(data: bytes, start: int, *, sets: bool = True) -> Part | None:
    """The value that begins behind `start`, a scalar up to the end of its line; None where there is none.

    With `sets`, an array has entries of its own only where all are scalars, each there once.
    """
    stack = [_Open(b"", start)]
    for token in _TOKEN.finditer(data, start):
        sign, at = token[0], token.start()
        top = stack[-1]
        if sign == b"\n" and top.start >= 0 and len(stack) == 1:
            break
        if sign in _CLOSING and len(stack) > 1:
            if _CLOSING[sign] != top.sign:
                return None
            stack.pop()
            whole, top = top.closed(data, token.end(), sets=sets), stack[-1]
            top.stop, top.nested = whole.stop, whole if whole.inner and whole.start == top.value else None
            if len(stack) == 1:
                break
        elif sign == b"," and len(stack) > 1:
            top.end_entry(data)
        elif sign[:1] not in (b"\n", b"#"):
            top.take(at, sign)
            if sign in _CLOSING.values():
                stack.append(_Open(sign, at))
    first = stack[0]
    if first.start < 0 or len(stack) > 1:
        return None
    return replace(first.nested or Part(first.start, first.stop, ""), start=first.start, stop=first.stop)
