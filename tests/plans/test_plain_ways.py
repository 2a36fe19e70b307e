"""What is plain enough is read without the parsers of YAML and Markdown, and means what they would have read."""

from __future__ import annotations

from unittest.mock import patch

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitbot.plans import document, front

SCALARS = st.sampled_from(
    [
        "a",
        "b/c.py",
        "src/**",
        "'q r'",
        '"a: #c"',
        "12",
        "a b",
        "a - b",
        "no",
        "1-2",
        "",
        "'",
        "- a",
        "a: b",
        "a #b",
        "*a",
    ]
)
LINES = st.one_of(
    st.builds(
        "{}:{}{}".format, st.sampled_from(["plan", "owns", "never-ever"]), st.sampled_from([" ", "  ", ""]), SCALARS
    ),
    st.builds(lambda some: f"owns: [{', '.join(some)}]", st.lists(SCALARS, max_size=3)),
    st.builds("{}- {}".format, st.sampled_from(["", "  ", "  ", "    "]), SCALARS),
    st.sampled_from(["", " ", "owns:", "plan: ", "# words", "\t", "é: b"]),
)
MARKS = st.sampled_from(
    ["# ", "## ", "- ", "- [ ] ", "- [x] ", "* ", "1. ", "    ", "> ", "```", "---", "===", "[a]: b", ""]
)
WORDS = st.sampled_from(
    ["word", "`a/b.py`", "**b**", "Files:", " ", "  two", "#", "<p>", "\\", "\u3000", "\x85", "-", ""]
)
BLOCKS = st.lists(st.builds("{}{}{}".format, MARKS, WORDS, WORDS), max_size=8).map("\n".join)


def _told(node: front.Node) -> tuple[object, ...]:
    value = [_told(entry) for entry in node.value] if node.id == "sequence" else node.value
    return node.id, value, node.start_mark.line, node.start_mark.column


@given(st.lists(LINES, max_size=6).map("\n".join))
def test_plain_front_matter_is_what_the_yaml_loader_reads(content: str) -> None:
    """The same keys with the same values at the same places, or none at all."""
    plain = front._plain_nodes(content)
    if plain is not None:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
        read = {str(key.value).lower().replace("-", "_"): value for key, value in (root.value if root else ())}
        assert {key: _told(node) for key, node in plain.items()} == {key: _told(node) for key, node in read.items()}


@given(BLOCKS)
def test_plain_blocks_are_what_the_markdown_parser_finds(body: str) -> None:
    """Kind, line, text, level and state of each block are the same, whichever way it was read."""
    found = document._blocks(body)
    with patch.object(document, "_plain_blocks", return_value=None):
        assert found == document._blocks(body)


def test_a_canonical_plan_is_plain() -> None:
    """Otherwise everybody would wait for parsers that nobody needs."""
    assert front._plain_nodes('plan: A\nowns:\n  - "src/a/**"\nreads: [b.md]\nestimate: 3h\n') is not None
    assert (
        document._plain_blocks("\n\n# Work\n\nWords of it.\n\n## Tasks\n- [ ] Write `a.ts`\n- [x] More\n") is not None
    )
