"""The picture of all live branches as a page: saved by `status --format html`, or served and kept up to date.

What a person wants to know first stands first: how many are done, who is stuck, who will conflict with whom. The
values are those of the document; nothing is found out anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitbot.report.drift import places
from gitbot.report.pages import Live, pages
from gitbot.report.runs import moment
from gitbot.report.status import NOT_COUNTED, counted, fails, places_left_out, unforeseen
from gitbot.report.terminal import printable, some

_MOST = {
    "branches": 300,
    "conflicts": 200,
    "hunked": 30,
    "unfolded": 8,
    "matrix": 40,
    "paths": 8,
    "subject": 200,
    "notes": 300,
}
_STATES = ("landed", "done", "running", "stuck", "idle")
_NEWS = {"landed": "has landed", "done": "is done", "running": "is running", "idle": "is idle"}
_MOST_NEWS = 4  # that one change is told in
Document = Mapping[str, Any]


def status_html(document: Document, live: Live | None = None, trouble: str = "") -> str:
    """The whole page; `trouble`: why it is not of this moment."""
    branches = document["branches"]
    conflicts = document["conflicts"][: _MOST["conflicts"]]
    return (
        pages()
        .get_template("status.html")
        .render(
            live=live,
            trouble=trouble,
            headline=headline(document),
            target=document["target"],
            overall=document["overall"],
            every=branches,
            branches=branches[: _MOST["branches"]],
            stuck=[one for one in branches if one["stuck"]],
            conflicts=conflicts,
            all_conflicts=document["conflicts"],
            matrix=_matrix(document),
            upon={one["branch"]: one["parent"] for one in document.get("graph", {}).get("branches", ())},
            notes=[*_notes(document)][: _MOST["notes"]],
            most=_MOST,
            moment=moment,
            share=_share,
            left_out=places_left_out,
        )
    )


def headline(document: Document) -> str:
    """One sentence: how many are how far, and whether conflicts are coming."""
    branches, met = document["branches"], len(document["conflicts"])
    if not branches:
        return "No branch of a plan and no linked work tree here yet"
    count = Counter(one["state"] for one in branches)
    states = ", ".join(f"{count[state]} {state}" for state in _STATES if count[state])
    coming = f"{met} conflict{'s' * (met > 1)} coming" if met else "no conflict is coming"
    return f"{len(branches)} branch{'es' * (len(branches) > 1)}: {states}; {coming}"


def changes(before: Document, after: Document) -> tuple[str, ...]:
    """What has become another from one document to the next, in words that are read aloud."""
    was, now = ({one["branch"]: one for one in document["branches"]} for document in (before, after))
    told = [printable(words) for name, one in now.items() for words in _steps(name, was.get(name), one)]
    told += [f"{printable(name)} is gone" for name in was if name not in now]
    met, meets = ({tuple(one["branches"]) for one in document["conflicts"]} for document in (before, after))
    told += [f"{printable(' and '.join(pair))} will conflict" for pair in sorted(meets - met)]
    told += [f"{printable(' and '.join(pair))} do not conflict any more" for pair in sorted(met - meets)]
    rest = len(told) - _MOST_NEWS
    return (*told[:_MOST_NEWS], *([f"and {rest} more"] if rest > 0 else []))


def _steps(name: str, was: Mapping[str, Any] | None, now: Mapping[str, Any]) -> Iterator[str]:
    state = now["state"]
    if was is None or (was["state"], was["stuck"]) != (state, now["stuck"]):
        yield f"{name} is stuck: {now['stuck']}"[:300] if now["stuck"] else f"{name} {_NEWS[state]}"
    elif now["tasks"] and now["tasks"] != was["tasks"]:
        yield f"{name}: {now['tasks']['done']} of {now['tasks']['total']} tasks"
    elif now["tip"] != was["tip"]:
        yield f"{name} has a new commit"


def _share(one: Mapping[str, Any]) -> int:
    """How much of a branch is done, in percent: as its agent says it, else by its tasks."""
    percent, tasks = one["progress"]["percent"], one["tasks"]
    found = percent if percent is not None else 100 * tasks["done"] // max(1, tasks["total"])
    return max(0, min(100, int(found)))


_Told = tuple[str, Sequence[str]]  # words, and the places that they are about


def _notes(document: Document) -> Iterator[tuple[str, list[_Told]]]:
    """By branch what a person may want to look at, each with its places."""
    for one in document["branches"]:
        drift = one["drift"]
        told: list[_Told] = [(f"merges cleanly, and may not work: {hint.text}", ()) for hint in one["hints"]]
        if red := fails(one):
            told.append(("does not pass the gate by itself", red))
        if paths := counted(one):
            told.append(("not committed yet, and counted in", paths))
        if one["uncounted"]:
            told.append((f"not committed yet, and {NOT_COUNTED}", one["uncounted"]))
        if one["in_the_way"]:
            told.append(("cannot land over what is uncommitted in the checkout of the target", one["in_the_way"]))
        if drift and (strayed := [*places(drift)]):
            told.append(("touched, and not claimed by its plan", strayed))
        if drift and drift.untouched and one["state"] == "done":
            told.append(("done, and claimed but never touched", drift.untouched))
        if told:
            yield one["branch"], told
    if pairs := document.get("unforeseen"):
        yield "pairs", [(unforeseen(pairs), ())]
    if document.get("unreadable"):
        yield "plans", [(words, ()) for words in document["unreadable"]]
    blind = document.get("unguarded", ())
    for why in dict.fromkeys(one["why"] for one in blind):
        trees = [one["work_tree"] for one in blind if one["why"] == why]
        said = f"pushes from here are not guarded: {why}; see gitbot hook status"
        yield trees[0] if len(trees) == 1 else f"{len(trees)} work trees", [(said, trees[1:] and trees)]


_Cell = tuple[str, str, int]  # its kind, what it says in words, and the number of the conflict that it leads to


def _matrix(document: Document) -> list[tuple[str, list[_Cell]]]:
    """Who meets whom, of those that meet anybody: the most met when there are too many; none for a single pair."""
    collide = {frozenset(one["branches"]): (at, one) for at, one in enumerate(document["conflicts"], 1)}
    alive = [one for one in document["branches"] if (one["state"] != "landed" or one["uncommitted"]) and one["files"]]
    near = _near(alive)
    met = Counter(name for pair in (*collide, *near) for name in pair)
    for pair in collide:
        met.update(dict.fromkeys(pair, len(alive)))
    known = [name for name in (*(one["branch"] for one in alive), document["target"]) if met[name]]
    chosen = {*sorted(known, key=lambda name: -met[name])[: _MOST["matrix"]]}
    names = [name for name in known if name in chosen]

    def cell(row: str, column: str) -> _Cell:
        pair = frozenset((row, column))
        if row == column:
            return "self", "", 0
        if pair in collide:
            at, one = collide[pair]
            return "blocks", f"{row} and {column} collide in {some(one['paths'])}", at * (at <= _MOST["conflicts"])
        return ("notes", f"{row} and {column} merge: {some(near[pair])}", 0) if pair in near else ("", "", 0)

    return [(row, [cell(row, column) for column in names]) for row in names] if len(names) > 2 else []


def _near(alive: Sequence[Mapping[str, Any]]) -> dict[frozenset[str], list[str]]:
    """The pairs that change the same files, with them."""
    of = {one["branch"]: set(one["files"]) for one in alive}
    names = list(of)
    return {
        frozenset((name, other)): sorted(of[name] & of[other])
        for at, name in enumerate(names)
        for other in names[at + 1 :]
        if not of[name].isdisjoint(of[other])
    }
