"""Text of strangers, made fit for a terminal.

Branch names, plan text, commit messages and the output of other programs may carry control characters that move
the cursor, change colours or turn the reading direction around; none of them gets through.
"""

from __future__ import annotations

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_DIRECTION = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_INVISIBLE = (0x200B, 0x2060, 0xFEFF, *range(0xE0000, 0xE0080))
_BREAKS = (0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029)

_ONE_LINE: dict[int, str | None] = {
    **dict.fromkeys((*_CONTROLS, *_DIRECTION, *_INVISIBLE)),
    **dict.fromkeys(_BREAKS, " "),
    **dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}"),  # cannot be encoded for output
}
_LINES = {**_ONE_LINE, 0x0A: "\n"}
_ESCAPES = {
    code: f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    for code in (*_CONTROLS, *_DIRECTION, *_INVISIBLE, *_BREAKS)
    if code != 0x0A
} | dict.fromkeys(range(0xD800, 0xE000), "\N{REPLACEMENT CHARACTER}")


def printable(text: str, *, newlines: bool = False) -> str:
    """The text without anything that a terminal would obey; line breaks become spaces unless kept."""
    return text.translate(_LINES if newlines else _ONE_LINE)


def escaped(quoted: str) -> str:
    """The same for text that stands in quotes and knows `\\u` escapes, such as TOML's: nothing of it is lost."""
    return quoted.translate(_ESCAPES)
