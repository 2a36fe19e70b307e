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
    """Who may make the branch red, the likeliest first, by the paths that each touched; named if there is just one.

    Where it was never seen to pass, a file of the same number in the same folder makes suspicious. The only one that
    has landed is spoken of, and not named.
    """
    since = _since(records, branch)
    ends = {move.report.branch: touched(move) for move in since or moves(records) if isinstance(move, Landed)}
    alike = {name: path for name, theirs in ends.items() for path in _of_one_number(mine, theirs)}
    alone = since is None and len(moves(records)) == len(ends) == 1
    names = sorted(ends if since or alone else alike, key=lambda name: _nearness(mine, ends[name]), reverse=True)
    if not names:
        return None
    # Else it may be what others brought meanwhile, or the branch alone: being the only one that landed blames nobody.
    sure = len(names) == 1 and (bool(alike) if since is None else len(since) == 1)
    only = names[0] if sure or names[:1] == [*alike] else None
    why = [f"it passed before {_listed(names)} landed"] if since else []
    why += [f"it may be because {name} has {path}, of the same number" for name, path in alike.items()][:1]
    why = why or [f"it may be because {names[0]} landed before: without that it was not tested"]
    return Partner(only, "; ".join(why), tuple(names))


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
            start = next((number for number, move in enumerate(path, 1) if move.after == seen.onto), 0)
            new = [m for m in path[start:] if not (isinstance(m, Landed) and m.report.branch in seen.branches)]
            found = new if found is None else [move for move in found if move in new]
    return found


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
