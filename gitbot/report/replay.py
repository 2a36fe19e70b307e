"""Past merges beside what gitbot would have made of them: as a document, on one screen, and as a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from gitbot.model.replay import Likeness, Replay, ReplayedFile, ReplayedHunk, ReplayedMerge
from gitbot.report.check_html import pages
from gitbot.report.terminal import printable

SCHEMA = "gitbot.replay/1"
UNKNOWN = (
    "No gate was run: a text that differs may be as good, and one that is the same says nothing of the rest.",
    "People also choose for reasons outside the text, and change more in a merge than what conflicted.",
    "Commands of the configuration (lock files, resolver) were not run; today's configuration was used throughout.",
    "Squashed and rebased branches are not in the history as branches, so nothing is known of their conflicts.",
)
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
    alike = count[Likeness.IDENTICAL] + count[Likeness.SAME_LINES]
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


def replay_text(replay: Replay) -> str:
    """The same on one screen."""
    count = _count(replay)
    lines = [headline(replay), ""]
    lines += [f"  {count[each]:>4}  {words}" for each, words in _WORDS.items() if count[each]]
    if count[Likeness.CLEAN]:
        edited = sum(bool(one.beyond) for one in replay.merges if one.likeness is Likeness.CLEAN)
        more = f"; in {edited} of them people changed more than git merged" if edited else ""
        lines.append(f"  {count[Likeness.CLEAN]:>4}  merged by git without a conflict{more}")
    left = [f"{replay.forwards} that could have been fast-forwards"] if replay.forwards else []
    left += [f"{replay.octopuses} of more than two branches"] if replay.octopuses else []
    lines += [f"        left out: {', '.join(left)}"] if left else []
    differ = [(merge, file, hunk) for merge, file, hunk in _hunks(replay) if hunk.likeness is Likeness.DIFFERENT]
    if differ:
        lines += ["", "different (side by side: --format html -o replay.html):"]
        lines += [
            f"  {merge.commit[:7]}  {printable(file.path)}:{hunk.line}  {hunk.how}: {printable(hunk.why or '')}"
            for merge, file, hunk in differ[:_LISTED]
        ]
        lines += [f"  and {len(differ) - _LISTED} more"] if len(differ) > _LISTED else []
    reasons = _reasons(replay)
    if reasons:
        lines += ["", "set aside because:"]
        lines += [f"  {number:>4}  {printable(why)}" for why, number in reasons[:_LISTED]]
    return "\n".join([*lines, "", "what this cannot say:", *(f"  {words}" for words in UNKNOWN)]) + "\n"


def replay_html(replay: Replay) -> str:
    """The same as one page that explains itself."""
    kinds = (Likeness.DIFFERENT, Likeness.SAME_LINES, Likeness.IDENTICAL, Likeness.SET_ASIDE, Likeness.UNREADABLE)
    return (
        pages()
        .get_template("replay.html")
        .render(
            replay=replay,
            headline=headline(replay),
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


def _hunks(replay: Replay) -> Iterator[tuple[ReplayedMerge, ReplayedFile, ReplayedHunk]]:
    settled = (one for one in replay.merges if one.likeness is Likeness.DIFFERENT)
    return ((merge, file, hunk) for merge in settled for file in merge.files for hunk in file.hunks)


def _reasons(replay: Replay) -> list[tuple[str, int]]:
    """Why files were set aside, the most frequent reason first; lines and names of one case left out."""
    found = (file.why for merge in replay.merges for file in merge.files if file.why)
    return Counter(re.sub(r"(?<=common line ).*|(?<=line )\d+", "…", why) for why in found).most_common()
