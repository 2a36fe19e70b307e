"""With whom a branch is red that was green: whoever landed since it was last seen to pass in this run.

This needs no reading of the work, so it finds pairs that no definition tells of: two migrations of one number, two
handlers of one route. It costs no run of the gate either: the records say on what the branch had passed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set

from gitbot.landing.document import moves
from gitbot.landing.partner import Partner
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Entry, Landed, Moved, Record, Started, Tested

MOST_NAMED = 8  # in one sentence
_NUMBERED = re.compile(r"(.*/|)[vV]?0*(\d{1,18})(?!\d)[^/]*", re.DOTALL)


def newcomers(
    records: Sequence[Record], branch: BranchName, mine: Set[str], touched: Callable[[Landed], Set[str]]
) -> Partner | None:
    """Who may make the branch red, the likeliest first, by the paths that each touched; named where that is known.

    That is where it was seen to pass before they landed, and nobody else's work came to the target. Where it was
    never seen to pass, all that landed before it was red alone are suspects, and the more who has a file of the
    same number in the same folder; in words that leave it open.
    """
    since, path = _since(records, branch), _before_red(records, branch)
    ends = {move.report.branch: touched(move) for move in since or path if isinstance(move, Landed)}
    alike = {name: path for name, theirs in ends.items() for path in _of_one_number(mine, theirs)}
    known = since is not None and len(ends) == len(since)  # else it may be what others brought meanwhile
    unseen = since is None and len(ends) == len(path) and not alike
    names = sorted(ends if known or unseen else alike, key=lambda name: _nearness(mine, ends[name]), reverse=True)
    why = [f"it passed before {_listed(names)} landed"] if known else []
    why += [f"it may be because {name} has {alike[name]}, of the same number" for name in names[:1] if name in alike]
    if unseen and len(names) > 1:
        said = f"it was never seen to pass without {_listed(names)}: it may not fit one of them"
        return Partner(None, said, tuple(names[:MOST_NAMED]), suspected=True)
    if unseen and names:
        why = [f"it may be because {names[0]} landed before: it was never seen to pass without that"]
    return Partner(names[0], "; ".join(why), tuple(names), suspected=not known) if names else None


def passed_before(earlier: Sequence[Sequence[Record]], entry: Entry, start: Oid) -> Iterator[Tested]:
    """Where an earlier run had seen the branch, as it is now, pass on the commit that this run began with."""
    for records in earlier:
        first = records[0]
        if isinstance(first, Started) and (entry.name, entry.tip) in ((one.name, one.tip) for one in first.entries):
            yield from (one for one in records if isinstance(one, Tested) and one.onto == start)


def _since(records: Sequence[Record], branch: BranchName) -> list[Landed | Moved] | None:
    """What came to the target and was in no tree with this branch that passed; None when no such tree did."""
    path, found = moves(records), None
    for seen in records:
        if isinstance(seen, Tested) and branch in seen.branches and seen.result.verdict is GateVerdict.PASSED:
            later = path[_place(path, seen.onto) :]
            new = [m for m in later if not (isinstance(m, Landed) and m.report.branch in seen.branches)]
            found = new if found is None else [move for move in found if move in new]
    return found


def _before_red(records: Sequence[Record], branch: BranchName) -> list[Landed | Moved]:
    """What was on the target when the branch alone was red on it: what came later is not why."""
    path = moves(records)
    red = (one for one in records if isinstance(one, Tested) and one.result.verdict is not GateVerdict.PASSED)
    return path[: min((_place(path, one.onto) for one in red if one.branches == (branch,)), default=len(path))]


def _place(path: Sequence[Landed | Moved], onto: Oid) -> int:
    """How many of these moves had been made where the target was there."""
    return next((number for number, move in enumerate(path, 1) if move.after == onto), 0)


def _of_one_number(mine: Set[str], theirs: Set[str]) -> Iterator[str]:
    """Their files whose number one of mine in the same folder has as well."""
    numbers = {found.groups() for path in mine - theirs if (found := _NUMBERED.fullmatch(path))}
    return (
        path for path in sorted(theirs - mine) if (found := _NUMBERED.fullmatch(path)) and found.groups() in numbers
    )


def _nearness(mine: Set[str], theirs: Set[str]) -> tuple[int, ...]:
    """How much two works have to do with each other: numbers, folders of numbered files, files, folders in common."""
    numbered = [{path.rpartition("/")[0] for path in side if _NUMBERED.fullmatch(path)} for side in (mine, theirs)]
    folders = [{path.rpartition("/")[0] for path in side} for side in (mine, theirs)]
    same = len([*_of_one_number(mine, theirs)])
    return same, len(numbered[0] & numbered[1]), len(mine & theirs), len(folders[0] & folders[1])


def _listed(names: Sequence[BranchName]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
