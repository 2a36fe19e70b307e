"""Who a heading or line speaks of: the names of agents, plans and phases, and the form in which ids are compared."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gitbot.model.plan import Phase
from gitbot.model.plan import fold as fold
from gitbot.plans.phrases import phrase
from gitbot.plans.words import kinds, words

_NOUNS = "|".join(sorted(words("owner-nouns"), key=len, reverse=True))
_NAME = r"[^\W_](?:[\w.]|-(?=\w)){0,80}"
AGENT = phrase(rf"(?<![\w/-])(?P<noun>{_NOUNS})(?P<joint>[ \t_]{{1,4}}#?|[ \t]?[#-])(?P<name>{_NAME})", re.I)
"""An agent named anywhere in a text; `agent_name` says whether the match is one."""
_PLAN = phrase(rf"\W{{0,8}}plan(?P<joint>[-_ ])(?P<name>{_NAME}?)(?P<ext>\.md)?(?![\w-])", re.I)
_PHASE = phrase(r"\W{0,8}phase[ \t]{0,4}[-#]?(?P<number>\d{1,4}(?:\.\d{1,4}){0,2})\b", re.I)
_MARKS = phrase(r"[^\w(]{0,8}(?:\d{1,3}[.)][ \t]{1,4})?")
_BRACKET = phrase(r"\([^()]{0,400}\)")
_BEFORE_OWNER = phrase(
    rf"(?:^{_MARKS.pattern}|[(:,;—–-])[ \t]{{0,4}}(?P<by>owned[ \t]{{1,4}}by[ \t]{{1,4}})?[*`]{{0,4}}$", re.I
)
_PRONOUNS = ("that", "which", "who")
_OWNS = phrase(r"[*`]{0,4}[ \t]{1,4}owns?\b", re.I)


def slug(text: str) -> str:
    """A short id made of words: "Create database schema" gives "create-database-schema"."""
    return "-".join(re.findall(r"\w+", text.casefold())[:8]) or "plan"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose section a heading opens."""

    id: str
    agent: str | None = None
    title: str = ""
    phase: Phase | None = None
    owns: bool = False  # the heading itself says that what follows is owned


def agent_name(match: re.Match[str], rest: str) -> str | None:
    """The id that a match of AGENT gives, or None when the words only look like a name ("Agent setup")."""
    noun, joint, name = match["noun"].lower(), match["joint"], match["name"].rstrip(".")
    short = len(name) == 1 or name.isdigit()
    if noun not in words("agent-nouns"):
        return f"{noun}-{name}" if short else None
    plain = not short and not any(c.isdigit() for c in name) and "-" not in joint
    if name.lower() in words("not-agent-names") or (plain and rest.strip() and rest.strip()[0].isalnum()):
        return None
    return name


def agents_in(text: str) -> tuple[str, ...]:
    """Every agent that a text names, in order, each once: ("A", "B") in "Agent A, then agent-b"."""
    found: dict[str, str] = {}
    for match in AGENT.finditer(text):
        name = match["name"].rstrip(".")
        certain = len(match[0]) == len(text.strip()) or "-" in match["joint"] or "#" in match["joint"]
        known = agent_name(match, "")
        if known and (certain or name[0].isupper() or name[0].isdigit() or not name[0].isascii()):
            found.setdefault(fold(known), known)
    return tuple(found.values())


def owner_of(heading: str) -> Owner | None:
    """The owner that a heading names by "Agent A", "PLAN-A.md", "Workstream 1" or "Phase 2", or None."""
    heading = heading[:400]
    holder = _holder(heading)
    if match := _PHASE.match(heading):
        rest = heading[match.end() :]
        agents = agents_in(rest)
        only = agents[0] if len(agents) == 1 else holder.agent if holder else None
        phase = Phase.of(match["number"])
        return Owner(only or f"phase-{phase}", only, _title(rest), phase)
    owns = re.search(r"\bown(s|ed)?\b", heading, re.I) is not None
    if (match := _PLAN.match(heading)) and (match["joint"] == "-" or match["ext"] or len(match["name"]) == 1):
        rest = heading[match.end() :]
        agent = holder.agent if holder else next(iter(agents_in(rest)), None)
        return Owner(match["name"], agent, _title(rest), owns=owns)
    if (lead := _MARKS.match(heading)) and (match := AGENT.match(heading, lead.end())):
        rest = heading[match.end() :]
        if name := agent_name(match, rest):
            return Owner(name, _agent(match, name), _title(rest), owns=owns)
    return holder


_CODE = phrase(r"[^\w(]{0,8}(?P<id>(?P<letter>[PW])(?P<number>[1-9]\d?))[ \t]?[:.—–-]")

_ROLE = phrase(
    r"[^\w(]{0,8}(?:\d{1,3}[.)][ \t])?(?P<role>[A-Z][\w&/-]{1,30}(?:[ ][A-Z&][\w&/-]{0,30}){0,2})[ -][Aa]gent[ \t]*"
    r"(?=$|[(:—–-])"
)


def roles(headings: Sequence[str]) -> dict[str, Owner]:
    """The owners of headings such as "Till Agent" and "Cart agent (second)", when there are two or more."""
    found = {heading: match for heading in headings if (match := _ROLE.match(heading))}
    named = {h: m for h, m in found.items() if m["role"].split()[0].lower() not in words("not-agent-names")}
    if len({match["role"] for match in named.values()}) < 2:
        return {}
    return {h: Owner(slug(m["role"]), slug(m["role"]), _title(h[m.end() :])) for h, m in named.items()}


def coded(headings: Sequence[str]) -> dict[str, Owner]:
    """The owners of headings such as "P1: Cart" and "W2 — Till", when two or more of one letter count from one."""
    found = {heading: match for heading in headings if (match := _CODE.match(heading))}
    letters = {match["letter"] for match in found.values() if match["number"] == "1"}
    letters = {letter for letter in letters if sum(match["letter"] == letter for match in found.values()) > 1}
    return {
        heading: Owner(match["id"], match["id"], _title(heading[match.end() :]))
        for heading, match in found.items()
        if match["letter"] in letters
    }


def _holder(heading: str) -> Owner | None:
    """Whom a heading says to own what follows: "Sums (Agent sub owns these)", "Sums (owned by agent-sub)"."""
    found: dict[str, Owner] = {}
    for match in AGENT.finditer(heading):
        before, name = _BEFORE_OWNER.search(heading[: match.start()]), agent_name(match, "")
        if before and name and name.lower() not in _PRONOUNS and (before["by"] or _OWNS.match(heading, match.end())):
            title = _title(heading[: before.start()].partition("(")[0])
            found.setdefault(fold(name), Owner(name, _agent(match, name), title, owns=True))
    holder = next(iter(found.values())) if len(found) == 1 else None
    # "Do not touch (Agent B owns these)" speaks to the reader of the plan and gives B nothing.
    return None if holder and kinds("labels").get(holder.title.lower()) == "never" else holder


def _agent(match: re.Match[str], name: str) -> str | None:
    """The agent of an id that a match of AGENT gave; a workstream or a lane is none."""
    return None if name.startswith(f"{match['noun'].lower()}-") else name


def _title(rest: str) -> str:
    """What a heading says beside the name, without brackets and file names: fit for a commit's subject."""
    text = AGENT.sub("", _BRACKET.sub("", rest)) if "(" in rest or AGENT.fullmatch(rest.strip(" :—–-")) else rest
    text = text.strip(" \t:—–-#*`")
    return "" if re.fullmatch(r"\S{1,80}\.md", text) or text.lower() in ("owns", "owns these") else text
