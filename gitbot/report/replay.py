"""Past merges beside what gitbot would have made of them: as a document, on one screen, and as a page."""

from __future__ import annotations

import re
import textwrap
import time
from collections import Counter

import msgspec

from gitbot.model.merge import ResolvedHunk, UnmergedHunk
from gitbot.model.replay import Likeness, Replay, ReplayedHunk
from gitbot.report.pages import pages
from gitbot.report.terminal import printable

SCHEMA = "gitbot.replay/1"
UNKNOWN = (
    "No gate was run: a text that differs may be as good, and one that is the same says nothing of the rest.",
    "People also choose for reasons outside the text, and change more in a merge than what conflicted.",
    "Commands of the configuration (lock files, resolver) were not run; today's configuration was used throughout.",
    "Squashed and rebased branches are not in the history as branches, so nothing is known of their conflicts.",
)
_ALIKE = (Likeness.IDENTICAL, Likeness.SAME_LINES)
_LAST = 1 << 37  # second that is shown as a date: a commit may bear any number
_LISTED = 8  # on one screen
_SHOWN = 200  # merges of one kind on a page
_WORDS = {
    Likeness.IDENTICAL: "settled, exactly as people did",
    Likeness.SAME_LINES: "settled, the same lines in another order or with other white space",
    Likeness.DIFFERENT: "settled, and different from what people did",
    Likeness.SET_ASIDE: "set aside, for the agent or a person",
    Likeness.UNREADABLE: "not to be read here: objects are missing, or there is no common history",
}


def replay_document(replay: Replay) -> dict[str, object]:
    """The answer as the JSON document: plain values only."""
    count = _count(replay)
    document: dict[str, object] = msgspec.to_builtins(
        {
            "schema": SCHEMA,
            "target": replay.target,
            "tip": replay.tip.oid,
            "accept_both": replay.manner,
            "headline": headline(replay),
            "by_place": by_place(replay),
            "counts": {"merges": len(replay.merges)}
            | {each.value: count[each] for each in Likeness}
            | {"octopus": replay.octopuses, "fast-forward": replay.forwards},
            "merges": replay.merges,
            "unknown": UNKNOWN,
        }
    )
    return document


def headline(replay: Replay) -> str:
    """What a person wants to know first."""
    count, merges = _count(replay), len(replay.merges)
    if not merges:
        return (
            f"{printable(replay.target)} has no merge of two branches that could be made again: work lands here "
            "squashed, rebased or by fast-forward, which leaves nothing to compare with"
        )
    alike = sum(count[each] for each in _ALIKE)
    settled = alike + count[Likeness.DIFFERENT]
    conflicted = settled + count[Likeness.SET_ASIDE]
    if not conflicted:
        return f"of your last {merges} merges none conflicted"
    differ = count[Likeness.DIFFERENT]
    differs = f", {differ} differently: look at {'them' if differ > 1 else 'it'} below" if differ else ""
    return (
        f"of your last {merges} merges {conflicted} conflicted; gitbot would have settled {settled} by itself, "
        f"{alike} as your people did{differs}"
    )


def by_place(replay: Replay) -> str:
    """The same by places, one of which is enough to set a merge aside, and what the other manner makes of them."""
    files = [file for merge in replay.merges for file in merge.files]
    hunks = [hunk for file in files for hunk in file.hunks]
    whole = [file.likeness for file in files if not file.hunks and file.likeness is not Likeness.SET_ASIDE]
    mine = whole + [hunk.likeness for hunk in hunks if hunk.how]
    other = whole + [hunk.other_likeness for hunk in hunks if hunk.other]
    others = "bold" if replay.manner == "careful" else "careful"
    alike = [sum(one in _ALIKE for one in found) for found in (mine, other)]
    settled = f"{replay.manner} settles {len(mine)} of {sum(len(file.hunks) or 1 for file in files)}"
    beside = f"{others} {len(other)}, {alike[1]} as your people did"
    return f"by place: {settled}, {alike[0]} as your people did; {beside}" if files else ""


def replay_text(replay: Replay, *, width: int) -> str:
    """The same on one screen of `width` columns."""
    count = _count(replay)
    lines = [headline(replay), *filter(None, [by_place(replay)]), ""]
    lines += [f"  {count[each]:>4}  {words}" for each, words in _WORDS.items() if count[each]]
    if count[Likeness.CLEAN]:
        edited = sum(bool(one.beyond) for one in replay.merges if one.likeness is Likeness.CLEAN)
        more = f"; in {edited} of them people changed more than git merged" if edited else ""
        lines.append(f"  {count[Likeness.CLEAN]:>4}  merged by git without a conflict{more}")
    left = [f"{replay.forwards} that could have been fast-forwards"] if replay.forwards else []
    left += [f"{replay.octopuses} of more than two branches"] if replay.octopuses else []
    lines += [f"        left out: {', '.join(left)}"] if left else []
    differ = [
        f"  {merge.commit[:7]}  {printable(file.path)}"
        + next((f":{one.line}  {one.how}" for one in file.hunks if one.likeness is Likeness.DIFFERENT), "")
        for merge in replay.merges
        for file in merge.files
        if merge.likeness is file.likeness is Likeness.DIFFERENT
    ]
    if differ:
        lines += ["", "different (side by side: --format html -o replay.html):", *differ[:_LISTED]]
        lines += [f"  and {len(differ) - _LISTED} more"] if len(differ) > _LISTED else []
    reasons = _reasons(replay)
    if reasons:
        lines += ["", "set aside because:"]
        lines += [f"  {number:>4}  {printable(why)}" for why, number in reasons[:_LISTED]]
    lines += ["", "what this cannot say:", *(f"  {words}" for words in UNKNOWN)]
    wrap = textwrap.TextWrapper(width, subsequent_indent=" " * 4, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(wrap.fill, lines)) + "\n"


def replay_html(replay: Replay) -> str:
    """The same as one page that explains itself."""
    kinds = (Likeness.DIFFERENT, Likeness.SAME_LINES, Likeness.IDENTICAL, Likeness.SET_ASIDE, Likeness.UNREADABLE)
    return (
        pages()
        .get_template("replay.html")
        .render(
            replay=replay,
            headline=headline(replay),
            by_place=by_place(replay),
            day=lambda merge: time.strftime("%Y-%m-%d", time.gmtime(min(max(merge.time, 0), _LAST))),
            marked=marked,
            count=_count(replay),
            groups=[(kind, _WORDS[kind], [m for m in replay.merges if m.likeness is kind]) for kind in kinds],
            reasons=_reasons(replay),
            edited=[one for one in replay.merges if one.likeness is Likeness.CLEAN and one.beyond],
            unknown=UNKNOWN,
            most=_SHOWN,
        )
    )


def _count(replay: Replay) -> Counter[Likeness]:
    return Counter(one.likeness for one in replay.merges)


def marked(text: str, hunk: ReplayedHunk | ResolvedHunk | UnmergedHunk, beside: str | None) -> list[tuple[str, str]]:
    """Each line with the side that wrote it or took it away; `only`: the text beside it has no such line."""
    base, ours, theirs = (frozenset(side.split("\n")) for side in (hunk.base, hunk.ours, hunk.theirs))
    other = frozenset((text if beside is None else beside).split("\n"))
    wrote = {(True, False): "ours", (False, True): "theirs", (False, False): "new"}
    found: list[tuple[str, str]] = []
    for line in text.removesuffix("\n").split("\n"):
        sides = line in ours, line in theirs
        whose = ("" if all(sides) else "gone") if line in base else wrote.get(sides, "")
        found.append((line, whose if line in other else f"{whose} only"))
    return found


def _reasons(replay: Replay) -> list[tuple[str, int]]:
    """Why files were set aside, the most frequent reason first; lines and names of one case left out."""
    found = (file.why for merge in replay.merges for file in merge.files if file.why)
    return Counter(re.sub(r"(?<=common line ).*|(?<=line )\d+", "…", why) for why in found).most_common()
