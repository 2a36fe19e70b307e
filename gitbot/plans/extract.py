"""What some blocks say about one plan: ownership under headings and labels, tasks, needs.

Every reader stands on this. A notation that is headings, labels and lists hands over its sections; one that keeps
its paths elsewhere (a table, a JSON file) adds them with `listed`, `sentence` and `task`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from gitbot.model.plan import BLOCKING_CONFIDENCE, Access, Claim, Need, Plan, PlanId, Source, Task, TaskState, Write
from gitbot.plans.document import PLAIN_FENCES, Block, Document, Kind, Section
from gitbot.plans.lists import listed_paths
from gitbot.plans.names import Owner
from gitbot.plans.needs import bracket_needs, emitted, emitted_by_label, labelled_needs, phrase_needs, prose_needs
from gitbot.plans.paths import Token, Tree, names_any, path_in
from gitbot.plans.phrases import phrase
from gitbot.plans.tables import Columns, is_owners, row_claims, rows_of
from gitbot.plans.tasks import ARROW, UNKNOWN, estimated, read_item, uses, whole_path
from gitbot.plans.trees import drawn, entries, owned
from gitbot.plans.words import claim, kinds, label_kind, topics_in, words

_LABEL = phrase(r"[^\w`(\[/.]{0,8}(?P<label>[^\W\d_][^:：*`\n]{0,60})(?:[:：]\*{0,2}|(?<!/)\*\*[:：]?)")
_ITEM_LINE = phrase(r"[ \t]*\d{1,3}[.)][ \t]+")
_TO_KNOW = phrase(r"\b(?:key|relevant|related|important|critical|main)\b", re.I)  # files of a background
_SUBFOLDERS = phrase(r"\bsub-?(?:director|folder)|子目录|サブディレクトリ|unterordner|подпап|подкатал", re.I)
_NAMED_AT_END = phrase(r"(?:\(([^()\s]{0,200}[./][^()\s]{1,200})\)|[ \t][—–:-][ \t]+(`[^`\s]{3,200}`))[ \t]*$")
_LABEL_INSIDE = phrase(r"(?<=\S)[ \t]+\|[ \t]+(?=\*\*\w)")
_LINE_END = phrase(r"(?<![,，、])(?<![,，、] )\n")  # behind a comma a list goes on
_ANY_BOLD = phrase(r"(?:\*\*|__)[^*\n]{1,80}:?(?:\*\*|__):?")
_BOLD_HEAD = phrase(r"^(?:\*\*|__)[^*\n]{1,80}(?:\*\*|__)[ \t]*[:—–-]{0,2}[ \t]*(?=[`\[])")
_NEVER = phrase(r"\b(?:do not|don't|must not|never)[ \t]+(?:edit|touch|modify|change)[ \t]*[:`*]{0,4}[ \t]*$", re.I)
_NAMED_LINE = phrase(
    r"(?:\*\*|__)`?[^\s`*]{3,200}`?:?(?:\*\*|__):?(?:[ \t]\(\w{3,12}\))?|`[^`\n]{3,200}`:"
)  # as good as a heading
_NUMBER = phrase(r"^[^\w`]{0,8}(?:\w{1,12}[ \t])?\d{1,3}(?:\.\d{1,3}){0,3}[.):—–-]*[ \t]+[—–:-]?[ \t]*")
_WORK = phrase(
    r"\W{0,8}(?:(?:task|step|phase|stage|milestone|wave|slice|chunk|part)\b|\d{1,3}(?:\.\d{1,3}){0,3}[.):]?[ \t])",
    re.I,
)
_SENTENCE = phrase(r"(?<=[.;!])[ \t]+")
_RENAME = phrase(
    r"(?P<verb>rename|git mv|move|copy|duplicate|kopiere|copiar?|copier)[ \t]+(?:the[ \t]+)?(?:file[ \t]+)?"
    r"`?(?P<old>[^\s`]{3,220})`?[ \t]+(?:to|into|as|nach|in|a|en|vers|dans|→|->|=>)[ \t]+"
    r"`?(?P<new>[^\s`]{2,220}[^\s`.,;:])`?",
    re.I,
)
_RELIES = phrase(
    r"\b(?:needs?|requires?|depends?[ \t]on|rel(?:y|ies)[ \t]on|builds?[ \t]on|built[ \t]on|on[ \t]top[ \t]of)\b"
    r"[^.;\n]{1,80}",
    re.I,
)
_MOST_RELIED_ON = 50
_MOST_GROUNDS = 4
_DEEPEST = 6  # the levels of headings
_WRITES = ("own", "create", "modify", "delete", "test", "append")
_KEPT = phrase(r"\b(?:read[- ]only|existing|unchanged|for reference)\b", re.I)
_WITHIN = phrase(r"[ \t]+(?:in|into|inside|under)[ \t]+")
_PATH_LINE = phrase(
    r"[ \t│├└─]*[\w.@(\[]\S{0,220}(?:[ \t]{1,40}\([^()]{0,200}\)|[ \t]+(?:#|//|←|<-|—|--)[ \t].*)?[ \t]*"
)


def read_section(document: Document, section: Section, format: str) -> Plan:
    """The plan that a section describes; its id is the owner's, or empty."""
    owner = section.owner
    extract = Extract(
        document,
        owner,
        above=[(0, "own")] if owner and owner.owns else [],
        at_work=bool(owner and owner.phase is None),
    )
    extract.tables = {row.line: at for at, rows in rows_of(section.blocks, document.tree) for row in rows}
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
    drawn: list[Claim] = field(default_factory=list)  # of trees that nothing says to be owned
    never: list[Claim] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    needs: list[Need] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    relies: list[str] = field(default_factory=list)
    labelled: list[tuple[str, int]] = field(default_factory=list)  # events that a label says it emits, and lines
    above: list[tuple[int, str | None]] = field(default_factory=list)  # level and kind of the headings above
    tables: Mapping[int, Columns] = field(default_factory=dict)  # by the line of each row
    at_work: bool = False  # the headings above speak of work to do
    work_level: int = 0
    grounded: int = 0  # the level of the heading below which the folders of `tree.grounds` hold
    tree: Tree = field(init=False)
    made: str = ""  # the last folder that a sentence creates
    unread: Tree = field(init=False)  # the tracked files without what the plan writes out
    last: str = ""  # the words of the block before, of the last heading
    label: str | None = None  # … or a label that stands alone
    task_level: int = 0  # depth of the last item with a box
    minutes: tuple[float, float] | None = None  # that the heading gives

    def __post_init__(self) -> None:
        self._stand(self.document.tree)

    def _stand(self, tree: Tree) -> None:
        self.tree, self.unread = tree, replace(tree, text="")

    def _ground(self, paths: tuple[str, ...], kind: str) -> None:
        """Where the names below lie: in the folders that a label gives first."""
        if kind in ("own", "modify", "create") and any(map(self.tree.is_folder, paths[:1])):
            folders = (path.rstrip("/") for path in paths if self.tree.is_folder(path))
            self.grounded = self.above[-1][0] if self.above else 0
            self._stand(replace(self.tree, grounds=tuple(islice(folders, _MOST_GROUNDS))))

    @property
    def under(self) -> str | None:
        """The kind of claim that the headings above speak of."""
        return self.above[-1][1] if self.above else None

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
            minutes=self.minutes,
            needs=tuple(self.needs),
            emits=self._emits(),
            topics=topics_in(self.document.text),
            relies=tuple(self.relies[:_MOST_RELIED_ON]),
            unresolved=tuple(dict.fromkeys(self.unresolved)),
        )

    def _emits(self) -> tuple[tuple[str, int], ...]:
        said = {event: (event, task.line) for task in self.tasks for event in emitted(task.text)}
        return tuple(({event: (event, line) for event, line in self.labelled} | said).values())

    def _without_echoes(self) -> tuple[Claim, ...]:
        """The claims less what only repeats another: an end of its path ("Add `till.ts`" beside src/till.ts)."""
        if whole := {c.pattern for c in self.drawn}:
            writes = {c.pattern for c in _writes(self.claims) if c.confidence >= BLOCKING_CONFIDENCE}
            if len(writes - whole - {end for path in whole for end in _ends(path)}) < len(whole):
                self.claims += self.drawn
        names = {_name(c.pattern) for c in self.claims if c.source is Source.INFERRED}
        paths = {c.pattern for c in _writes((*self.document.head.claims, *self.claims))}
        ends = {end for path in paths if _name(path) in names for end in _ends(path)}
        ends = {end for end in ends if not (end.lower() in words("root-names") or self.document.tree.holds(end))}
        kept: dict[tuple[str, Access, Source], Claim] = {}
        for made in self.claims:
            if made.source is Source.DECLARED or made.pattern not in ends:
                first = kept.setdefault((made.pattern, made.access, made.source), made)
                if made.source is Source.INFERRED and made.confidence > first.confidence:
                    kept[made.pattern, made.access, made.source] = replace(first, confidence=made.confidence)
        return tuple(kept.values())

    def read(self, block: Block, *, opens: bool = False) -> None:
        """Read one block; `opens`: it is the heading that names the owner."""
        if block.kind is not Kind.FENCE and len(self.relies) < _MOST_RELIED_ON:
            self.relies += _RELIES.findall(block.text)
        if block.kind in (Kind.ITEM, Kind.TEXT) and block.state is None and "mit" in block.text:
            self.labelled += ((event, block.line + line) for event, line in emitted_by_label(block.text))
        before, self.last = self.last, (block.text[-200:] if block.kind in (Kind.HEADING, Kind.TEXT) else "")
        match block.kind:
            case Kind.HEADING:
                self._heading(block, opens)
            case Kind.ITEM if block.state is not None:
                self.task(block)
            case Kind.ITEM:
                self._bullet(block)
            case Kind.TEXT:
                number = block.line
                for line in _LINE_END.split(block.text):
                    item = _ITEM_LINE.match(line)  # a list that does not begin with 1 ends no paragraph
                    if item and number > block.line:
                        self._bullet(replace(block, kind=Kind.ITEM, line=number, level=1, text=line[item.end() :]))
                    else:
                        self._prose(line.strip(), number)
                    number += line.count("\n") + 1
            case Kind.ROW:
                self._row(block)
            case Kind.WORK:
                self._piece(block)
            case Kind.FENCE:
                self.last = before
                self._fence(block)

    def task(self, block: Block) -> None:
        """An item with a box."""
        self.task_level, self.label = block.level, None
        if block.text.startswith("(") and re.fullmatch(r"\([^()]*\)\s*", block.text):
            waits = phrase_needs(block.text.strip(" ()"), block.line, bracket=True, products=True)
            if waits:  # an item that is nothing but a wait holds back the plan and is no work
                self.needs += waits
                return
        task, text, needs = read_item(block)
        self.needs += needs
        if task.state is not TaskState.SKIPPED:
            under = None if self.under in ("read", "never") else self.under
            # "`a.ts` passes" below "Definition of done" is no work on a.ts; "Create `a.ts`" is, wherever it stands.
            state = self.under == "read" and whole_path(text) is None
            task = replace(task, paths=self.sentence(text, block.line, under=under, prose=state))
        self.tasks.append(task)

    def sentence(
        self, text: str, line: int, *, under: str | None = None, ceiling: float = 1.0, prose: bool = False
    ) -> tuple[str, ...]:
        """Words in which paths stand: verbs and markers make them claims. Returns the paths claimed.

        `under`: the kind of claim that the heading above speaks of: a path at the head of the words is one.
        `ceiling`: the most that the confidence can be. `prose`: only a verb makes a claim.
        """
        tree, whole = self.tree, None if prose else whole_path(text)
        if whole and (found := path_in(whole[0], tree, sure="/" not in whole[0].text)):
            if found.bare and ceiling < 0.85:
                self.unresolved.append(found.path)
                return ()
            source = Source.DECLARED if (self.owner and ceiling > 0.5) or under else Source.INFERRED
            confidence = whole[1][1] if ceiling > 0.5 else ceiling
            self.claims.append(_governed(claim(whole[1][0], found.path, line, confidence, source), under))
            return (found.path,)
        if not prose and (moved := self._renamed(text, line)):
            return moved
        if self.made and _SUBFOLDERS.search(text):
            self._stand(replace(self.tree, grounds=(self.made.rstrip("/"),)))
        if not names_any(text):
            return ()
        before, tree = len(self.claims), self.tree
        named = 0  # where the last bare name ends that a claim was made of
        folder = ""  # the one that is created with the files named behind it
        for token, use in uses(text, prose=prose):
            known = self.unread if use and use[0] == "create" else tree  # "Create `b.ts` like `a/b.ts`"
            if use is None or (found := path_in(token, known)) is None:
                continue
            if use is UNKNOWN and self.task_level and ceiling == 1.0 and token.quoted and not found.bare:
                use = ("own", 0.5)  # what is to be done is done to the paths that it names
            if use is UNKNOWN:
                self.unresolved += [found.path] if ceiling == 1.0 and tree.holds(found.path) else []
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
                if found.path.endswith("/") and kind in ("create", "own"):
                    folder, self.made = found.path if kind == "create" else folder, found.path
                path = f"{folder}{found.path}" if found.bare else found.path
                made = claim(kind, path, at, confidence, Source.INFERRED)
                self.claims.append(_governed(made, under) if token.start == 0 and kind != "read" else made)
        made_here = self.claims[before:]
        inside = {above for c in made_here for above in _folders(c.pattern)}
        self.claims[before:] = [c for c in made_here if c.pattern.rstrip("/") not in inside]
        return tuple(dict.fromkeys(claimed.pattern for claimed in self.claims[before:]))

    def _renamed(self, text: str, line: int) -> tuple[str, ...]:
        """Both paths of "Rename `shop/a.ts` to `b.ts`", of which the second lies where the first does.

        Of a copy only the second is written.
        """
        match = _RENAME.match(text)
        ends = [path_in(Token(end), self.tree) for end in match.group("old", "new")] if match else []
        copied = match is not None and match["verb"].lower() not in ("rename", "git mv", "move")
        if match is None or ends[0] is None or ends[1] is None or (match["new"].endswith("/") and not copied):
            return ()
        old, new = ends[0].path, ends[1].path
        folder = match["old"].rpartition("/")[0]
        if not copied and match["new"].rpartition("/")[0] in ("", folder) and not self.tree.holds(new):
            new = f"{old.rpartition('/')[0]}/{new.rpartition('/')[2]}".lstrip("/")
        for kind, path in (("read" if copied else "delete", old), ("create", new)):
            self.claims.append(claim(kind, path, line, 0.8, Source.INFERRED))
        return (old, new, *self.sentence(f"and {text[match.end() :]}", line, prose=True))

    def listed(self, text: str, line: int, kind: str, confidence: float) -> tuple[str, ...]:
        """Paths beside words that say what they are: every path of the text is a declared claim of that kind."""
        found = []
        for said, path, start in listed_paths(text, self.tree):
            made = said if said and kind in _WRITES else kind
            at = line + text.count("\n", 0, start)
            into = self.never if made == "never" else self.claims
            into.append(claim(made, path.path, at, confidence))
            found.append(path.path)
        if (word := text.strip(" \t`")).startswith("../") and not re.search(r"\s", word):
            self.claims.append(claim(kind, word, line, confidence))  # what leads out is refused, and said so
        return tuple(found)

    def _heading(self, block: Block, opens: bool) -> None:
        self.needs += bracket_needs(block.text, block.line, products=opens)[0]
        self.label, self.task_level = None, 0
        if block.level <= self.grounded:
            self._stand(self.document.tree)
        while self.above and self.above[-1][0] >= block.level:
            self.above.pop()
        if opens or block.level == 1:
            self.minutes = self.minutes or estimated(block.text)[0]
        if opens:
            return
        # What the title says of the whole file is no ownership of everything in it.
        before = self.under if self.above and self.above[-1][0] != 1 else None
        kind = label_kind(block.text)
        if kind == "own" and before == "read" and _TO_KNOW.search(block.text):
            kind = before
        self.above.append((block.level, kind or before))
        if _WORK.match(block.text) or any(map(block.text.lower().__contains__, words("work-headings"))):
            self.at_work, self.work_level = True, block.level if block.level > 1 else _DEEPEST
        else:
            self.at_work = self.at_work and block.level > self.work_level
        if kind is None and before != "read" and not self._labelled(block.text, block.line):
            self._named(block)

    def _named(self, block: Block) -> None:
        """A heading that names the file which the work below it is on: "2. Restore assets (install.sh)"."""
        _, text, _ = read_item(replace(block, text=_NUMBER.sub("", block.text)))
        text = text.lstrip(" \t—–:-")
        aside = _NAMED_AT_END.search(text)
        self.sentence((aside[1] or aside[2]) if aside else text, block.line, ceiling=0.6 if self.at_work else 0.4)

    def _row(self, row: Block) -> None:
        at = self.tables.get(row.line)
        if at is None or is_owners(at):
            return
        kind = label_kind(row.cells[0]) if len(row.cells) == 2 else None
        if kind and kind != "read":  # "| Files owned | a.ts, b.ts |"
            self._ground(self.listed(row.cells[1], row.line, kind, 0.9), kind)
            return
        under = self.label or self.under
        for kind, found in row_claims(row, at, self.tree):
            kind = under if under and kind == "own" else kind
            source = Source.DECLARED if under or kind != "own" else Source.INFERRED
            into = self.never if kind == "never" else self.claims
            into.append(claim(kind, found.path, row.line, 0.8 if under else 0.7, source))

    def _piece(self, block: Block) -> None:
        """A piece of work in XML."""
        task, _, needs = read_item(replace(block, kind=Kind.ITEM))
        self.needs += needs
        paths = self.listed(" ".join(block.cells), block.line, "own", 0.95)
        self.tasks.append(replace(task, paths=paths))

    def _bullet(self, block: Block) -> None:
        inherits = bool(self.task_level and self.tasks) and block.level > self.task_level
        if inherits and (estimate := estimated(block.text)[0]) and not self.tasks[-1].minutes:
            self.tasks[-1] = replace(self.tasks[-1], minutes=estimate)
        if self._labelled(block.text, block.line, block.level):
            return
        if kind := self.label or self.under:
            self.listed(block.text, block.line, kind, 0.9 if self.label else 1.0)
            return
        text = _BOLD_HEAD.sub("", ARROW.split(block.text, maxsplit=1)[0])
        self.sentence(text, block.line, ceiling=0.55 if inherits else 1.0 if self._works() else 0.4)
        self.needs += bracket_needs(block.text, block.line)[0] or labelled_needs(block.text, block.line)

    def _prose(self, line: str, number: int) -> None:
        if self._labelled(line, number):
            return
        self.needs += prose_needs(line, number)
        kind = self.label or self.under
        if (
            kind
            and not line.startswith(("**", "`**"))
            and all(path_in(Token(word.strip("`,;")), self.tree) for word in line.split())
        ):
            self.listed(line, number, kind, 0.9)
        elif _NAMED_LINE.fullmatch(line):
            self.sentence(re.sub(r"\*\*:?|__:?|:$", "", line), number, ceiling=0.6)
        elif self._works() and self.under is None:
            for part in _SENTENCE.split(line):
                self.sentence(part, number, ceiling=0.6, prose=True)

    def _works(self) -> bool:
        """Whether the headings speak of work, or only the title stands above."""
        return self.at_work or all(level == 1 for level, _ in self.above)

    def _labelled(self, text: str, line: int, level: int = 0) -> bool:
        """Read "Files: a, b" at once; let "**Files:**" alone govern what follows; any other bold label ends that."""
        text = _LABEL_INSIDE.split(text)[-1] if "|" in text else text  # "**Type:** task | **Files:** `a.ts`"
        match = _LABEL.match(text)
        kind = label_kind(match["label"]) if match else None
        if match and kinds("grounds").get(match["label"].lower()):
            self._ground(tuple(f.path for _, f, _ in listed_paths(text[match.end() :], self.tree)), "own")
        self.needs += prose_needs(text, line) if kind == "read" else ()
        if match is None or kind is None:
            if _ANY_BOLD.match(text) and not (self.label == "own" and (level > 1 or (level and "`" not in text))):
                self.label = None
            return False
        kind = "read" if kind == "own" and self.under == "read" else kind
        rest = text[match.end() :].strip()
        self.label = None if rest else kind
        self._ground(self.listed(rest, line, kind, 0.9), kind)
        return True

    def _fence(self, block: Block) -> None:
        kind, lines = self.label or self.under, block.text.split("\n")
        if block.info in PLAIN_FENCES and kind not in _WRITES:
            self._draw(block)
        paths_only = (self.owner or self._works()) and all(map(_PATH_LINE.fullmatch, filter(str.strip, lines)))
        if kind in ("read", "never") or not (kind or paths_only) or block.info not in PLAIN_FENCES:
            return
        confidence, source = (0.8, Source.DECLARED) if kind else (0.7, Source.INFERRED)
        listed = drawn(lines, block.line, self.tree) or entries(lines, block.line)
        for entry in () if not kind and any(owned(entry.rest) for entry in listed) else listed:
            if entry.leaf and (found := path_in(Token(entry.path), self.tree)):
                made = "read" if _KEPT.search(entry.rest) else kind or "own"
                self.claims.append(claim(made, found.path, entry.line, confidence, source))

    def _draw(self, block: Block) -> None:
        """A drawn tree: what the plan is to make, as far as it names no files otherwise."""
        of_today = re.search(r"\b(?:current|existing|today|before|legacy)\b|现有|当前|現在|현재", self.last, re.I)
        built = any(word in self.last.lower() for word in words("structure"))
        if of_today or "never" in (self.label, self.under) or ("read" in (self.label, self.under) and not built):
            return
        for entry in drawn(block.text.split("\n"), block.line, self.document.tree):
            found = path_in(Token(entry.path), self.document.tree)
            if found and not _KEPT.search(entry.rest):
                self.drawn.append(claim("own", found.path, entry.line, 0.5, Source.INFERRED))


def _writes(claims: Iterable[Claim]) -> Iterator[Claim]:
    return (claim for claim in claims if claim.access is not Access.READ)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _folders(path: str) -> Iterator[str]:
    while path := path.rstrip("/").rpartition("/")[0]:
        yield path


def _ends(path: str) -> Iterator[str]:
    """Every shorter end of a path: for a/b/c.ts "b/c.ts" and "c.ts"."""
    parts = path.split("/")[-8:]
    yield from ("/".join(parts[place:]) for place in range(1, len(parts)))


def _governed(made: Claim, under: str | None) -> Claim:
    """What stands at the head of an item below "Owns", "Shared" and the like is what the heading says it is."""
    if under is None:
        return made
    by_heading = claim(under, made.pattern, made.line, made.confidence)
    return by_heading if made.write is Write.ANY else replace(by_heading, write=made.write)
