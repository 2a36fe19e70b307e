"""What some blocks say about one plan: ownership under headings and labels, tasks, needs.

Every reader stands on this. A notation that is headings, labels and lists hands over its sections; one that keeps
its paths elsewhere (a table, a JSON file) adds them with `listed`, `sentence` and `task`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from gitbot.model.plan import Access, Claim, Need, Plan, PlanId, Source, Task, TaskState, Write
from gitbot.plans.document import PLAIN_FENCES, Block, Document, Kind, Section
from gitbot.plans.names import Owner
from gitbot.plans.needs import bracket_needs, phrase_needs, prose_needs
from gitbot.plans.paths import Token, path_in, tokens
from gitbot.plans.tasks import ARROW, read_item, uses, whole_path
from gitbot.plans.trees import entries
from gitbot.plans.words import claim, kinds, words

_LABEL = re.compile(r"(?:\*\*)?(?P<label>[^\W\d_][^:*`\n]{0,40})(?::\*{0,2}|\*\*:?)")
_ANY_BOLD = re.compile(r"(?:\*\*|__)[^*\n]{1,80}:?(?:\*\*|__):?")
_BEHIND = re.compile(r"[ \t](?:—|–|-)[ \t]|[ \t]\(|:[ \t]")
_NEVER = re.compile(
    r"\b(?:do not|don't|must not|never)[ \t]+(?:edit|touch|modify|change)[ \t]*[:`*]{0,4}[ \t]*$", re.I
)
_WITHIN = re.compile(r"[ \t]+(?:in|into|inside|under)[ \t]+")
_PATH_LINE = re.compile(r"[\w.@]\S{0,220}(?:[ \t]{1,40}\([^()]{0,200}\))?[ \t]*")


def read_section(document: Document, section: Section, format: str) -> Plan:
    """The plan that a section describes; its id is the owner's, or empty."""
    owner = section.owner
    extract = Extract(document, owner, under="own" if owner and owner.owns else None)
    for block in section.blocks:
        extract.read(block, opens=block is section.heading)
    line = section.heading.line if section.heading else 1
    return replace(extract.plan(format), line=line, phase=section.phase)


@dataclass(slots=True)
class Extract:
    """What has been read so far of one plan, and what the last heading or label says of the paths that follow."""

    document: Document
    owner: Owner | None = None
    claims: list[Claim] = field(default_factory=list)
    never: list[Claim] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    under: str | None = None  # the kind of claim that the heading speaks of
    label: str | None = None  # … or a label that stands alone
    task_level: int = 0  # depth of the last item with a box

    def plan(self, format: str) -> Plan:
        """Everything as one plan."""
        owner = self.owner or Owner("")
        return Plan(
            id=PlanId(owner.id),
            path=self.document.path,
            format=format,
            title=owner.title,
            agent=owner.agent,
            claims=self._without_echoes(),
            never=tuple(self.never),
            tasks=tuple(self.tasks),
            needs=tuple(self.needs),
            unresolved=tuple(dict.fromkeys(self.unresolved)),
        )

    def _without_echoes(self) -> tuple[Claim, ...]:
        """The claims less each bare name that the path of another ends in: "Add `till.ts`" beside src/till.ts."""
        ends = {c.pattern.rpartition("/")[2] for c in self.claims if "/" in c.pattern and c.access is not Access.READ}
        ends = {end for end in ends if not (end.lower() in words("root-names") or self.document.tree.holds(end))}
        return tuple(c for c in self.claims if c.source is Source.DECLARED or c.pattern not in ends)

    def read(self, block: Block, *, opens: bool = False) -> None:
        """Read one block; `opens`: it is the heading that names the owner."""
        match block.kind:
            case Kind.HEADING:
                self._heading(block, opens)
            case Kind.ITEM if block.state is not None:
                self.task(block)
            case Kind.ITEM:
                self._bullet(block)
            case Kind.TEXT:
                for number, line in enumerate(block.text.split("\n")):
                    if not self._labelled(line.strip(), block.line + number):
                        self.needs += prose_needs(line.strip(), block.line + number)
            case Kind.FENCE:
                self._fence(block)

    def task(self, block: Block) -> None:
        """An item with a box."""
        self.task_level, self.label = block.level, None
        if re.fullmatch(r"\([^()]*\)\s*", block.text):
            waits = phrase_needs(block.text.strip(" ()"), block.line, bracket=True, products=True)
            if waits:  # an item that is nothing but a wait holds back the plan and is no work
                self.needs += waits
                return
        task, text, needs = read_item(block)
        self.needs += needs
        if task.state is not TaskState.SKIPPED:
            under = None if self.under in ("read", "never") else self.under
            task = replace(task, paths=self.sentence(text, block.line, under=under))
        self.tasks.append(task)

    def sentence(self, text: str, line: int, *, under: str | None = None, ceiling: float = 1.0) -> tuple[str, ...]:
        """Words in which paths stand: verbs and markers make them claims. Returns the paths claimed.

        `under`: the kind of claim that the heading above speaks of: a path at the head of the words is one.
        `ceiling`: the most that the confidence can be.
        """
        tree, whole = self.document.tree, whole_path(text)
        if whole and (found := path_in(whole[0], tree, sure="/" not in whole[0].text)):
            source = Source.DECLARED if self.owner or under else Source.INFERRED
            self.claims.append(_governed(claim(whole[1][0], found.path, line, whole[1][1], source), under))
            return (found.path,)
        before = len(self.claims)
        named = 0  # where the last bare name ends that a claim was made of
        for token, use in uses(text):
            if use is None or (found := path_in(token, tree)) is None:
                continue
            (kind, confidence), at = use, line + text.count("\n", 0, token.start)
            if _NEVER.search(text[max(0, token.start - 40) : token.start]):
                self.never.append(claim("never", found.path, at, 0.9))
            elif found.bare and kind != "create":
                self.unresolved.append(found.path)
            elif named and found.path.endswith("/") and _WITHIN.fullmatch(text, named, token.start):
                self.claims[-1] = replace(self.claims[-1], pattern=found.path + self.claims[-1].pattern)
            else:
                named = token.end if found.bare else 0
                confidence = confidence if token.quoted or confidence >= 0.9 else confidence * 0.8
                confidence = round(min(confidence, ceiling, 0.5 if token.link else 1.0), 2)
                made = claim(kind, found.path, at, confidence, Source.INFERRED)
                self.claims.append(_governed(made, under) if token.start == 0 and kind != "read" else made)
        return tuple(dict.fromkeys(claimed.pattern for claimed in self.claims[before:]))

    def listed(self, text: str, line: int, kind: str, confidence: float) -> None:
        """Paths beside words that say what they are: every path of the text is a declared claim of that kind."""
        only_names = all(any(c in part for c in "/.*") for part in re.split(r"[,\s]+", text.strip()) if part)
        for token in tokens(text):
            if found := path_in(token, self.document.tree, sure=token.quoted or only_names):
                at = line + text.count("\n", 0, token.start)
                into = self.never if kind == "never" else self.claims
                into.append(claim(kind, found.path, at, confidence))

    def _heading(self, block: Block, opens: bool) -> None:
        self.needs += bracket_needs(block.text, block.line, products=opens)[0]
        self.label, self.task_level = None, 0
        if not opens:
            bare = re.sub(r"\([^()]{0,200}\)", "", block.text)
            self.under = kinds("labels").get(bare.strip(" \t:#*_`").lower())

    def _bullet(self, block: Block) -> None:
        if self._labelled(block.text, block.line):
            return
        if kind := self.label or self.under:  # in a bullet only what stands before a dash
            self.listed(_BEHIND.split(block.text, maxsplit=1)[0], block.line, kind, 0.9 if self.label else 1.0)
            return
        inherits = bool(self.task_level) and block.level > self.task_level
        text = ARROW.split(block.text, maxsplit=1)[0]
        self.sentence(text, block.line, ceiling=0.55 if inherits else 1.0)
        self.needs += bracket_needs(block.text, block.line)[0]

    def _labelled(self, text: str, line: int) -> bool:
        """Read "Files: a, b" at once; let "**Files:**" alone govern what follows; any other bold label ends that."""
        match = _LABEL.match(text)
        kind = kinds("labels").get(match["label"].strip().lower()) if match else None
        if match is None or kind is None:
            if _ANY_BOLD.match(text):
                self.label = None
            return False
        rest = text[match.end() :].strip()
        self.label = None if rest else kind
        self.listed(rest, line, kind, 0.9)
        return True

    def _fence(self, block: Block) -> None:
        kind, lines = self.label or self.under, block.text.split("\n")
        paths_only = self.owner and all(map(_PATH_LINE.fullmatch, filter(str.strip, lines)))
        if kind in ("read", "never") or not (kind or paths_only) or block.info not in PLAIN_FENCES:
            return
        confidence, source = (0.8, Source.DECLARED) if kind else (0.7, Source.INFERRED)
        for entry in entries(lines, block.line):
            if entry.leaf and (found := path_in(Token(entry.path), self.document.tree)):
                self.claims.append(claim(kind or "own", found.path, entry.line, confidence, source))


def _governed(made: Claim, under: str | None) -> Claim:
    """What stands at the head of an item below "Owns", "Shared" and the like is what the heading says it is."""
    if under is None:
        return made
    by_heading = claim(under, made.pattern, made.line, made.confidence)
    return by_heading if made.write is Write.ANY else replace(by_heading, write=made.write)
