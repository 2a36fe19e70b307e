"""A run as Markdown: the whole of it, and that strangers' text stays in code."""

from __future__ import annotations

import re

import msgspec
import pytest

from gitbot.landing.document import fold
from gitbot.model.run import Record, Request, Started
from gitbot.report.run_markdown import LARGEST, run_markdown
from gitbot.report.timeline import cost_lines
from tests.report.told import full, hostile


def asked(records: tuple[Record, ...], request: Request) -> tuple[Record, ...]:
    """The same run, had it been asked for otherwise."""
    first = records[0]
    assert isinstance(first, Started)
    return (msgspec.structs.replace(first, request=request), *records[1:])


def test_it_tells_what_landed_what_went_back_and_what_the_gate_cost() -> None:
    assert (
        run_markdown(fold(full()), full())
        == """\
**`2 of 6 landed on main, 0000000 → 2222222`**, run `20260301T103000Z-1a2b`

### Went back (3)

- `agent-b`, conflict with `agent-a`: `a.txt: both sides changed line 2`
  - `contents` conflict in `a.txt` with `agent-a`
  - next: `hand the brief to its agent, then: gitbot integrate agent-b`
- `agent-d`, gate: `the tests fail (2 times; the target passes)`
  - next: `hand the brief to its agent, then: gitbot integrate agent-d`
- `agent-e`, ownership: `lib/x.py belongs to plan lists`
  - touched `lib/x.py:1-4`
  - next: `hand the brief to its agent, then: gitbot integrate agent-e`

### Landed (2)

- `agent-a`, by rebase: `1 commit, clean and linear`
  - nothing of `111111111111` is missing (residual: `empty`)
- `agent-c`, plan `lists`, by accept-both: `both sides kept in list.md (insert-both)`
  - both sides kept in `list.md:3`: `insert-both, both only added`
  - note: `changes protected files, gate.sh`
  - note: `x.py line 3 calls f, which main took away`
  - nothing of `111111111111` is missing (residual: `empty`)

### Nothing to land (1)

- `agent-f`: `no change`

### Gate

- 5 runs, 3 red, 1 stopped, 1 known from before; 10.0 s of tests in 8.2 s
- one branch at a time: about 5 runs (3 for the branches, 1 to confirm, 1 of the bare target), 10.0 s

<details><summary>Conflict</summary>

`a.txt:2` on `main`, then on `agent-b`:

```text
two by a
```

```text
two by b
```

</details>
"""
    )


@pytest.mark.parametrize("branches", [1, 2, 40])
def test_strangers_text_stands_in_code_alone(branches: int) -> None:
    text = run_markdown(fold(hostile(branches)), hostile(branches))
    assert text.count("</summary>") == (branches if branches < 40 else 0)
    assert not re.search(r"[\x1b\u202e]", text)
    outside = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
    outside = re.sub(r"(?s)(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", outside)
    assert not re.search(r"script|x\(\)|### x|@team|#1|http|7\*7", outside)


def test_what_is_too_long_for_one_text_is_left_out_and_that_is_said() -> None:
    text = run_markdown(fold(hostile(40)), hostile(40))
    assert len(text) <= LARGEST + 200
    assert text.splitlines()[-1].startswith("… the rest: ````gitbot runs ")


def test_a_serial_run_and_one_without_a_gate_are_compared_with_nothing() -> None:
    first = full()[0]
    assert isinstance(first, Started)
    serial = asked(full(), msgspec.structs.replace(first.request, queue="serial"))
    ungated = asked(full(), msgspec.structs.replace(first.request, gate=None))
    assert cost_lines(fold(serial), serial)[1:] == ["one branch at a time, as --queue serial asks"]
    assert cost_lines(fold(ungated), ungated) == ["no gate (--no-gate): nothing was tested"]


def test_records_that_do_not_say_when_a_run_began_are_added_up() -> None:
    """Runs of before it was kept: one after the other is all that is known."""
    old = tuple(msgspec.structs.replace(one, began=None) if hasattr(one, "began") else one for one in full())
    assert cost_lines(fold(old), old)[0] == "5 runs, 3 red, 1 stopped, 1 known from before; 10.0 s of tests in 10.0 s"
