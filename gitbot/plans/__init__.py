"""PLAN text becomes values: whatever notation a plan is written in, who owns what, in which order, what is left.

Pure: bytes in, a `PlanSet` out; rubbish gives problems, never an exception. Whether plans collide is asked
elsewhere. A notation is a module with `recognises(document)` and `read(document)` in the list below; the first
that recognises a file reads it, so the most specific stand first. Drawn trees are read in every file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Protocol

from gitbot.model.plan import Access, Plan, PlanSet, Problem
from gitbot.model.plan import Source as ClaimSource
from gitbot.plans import agent_lines, chain, sections, trees
from gitbot.plans.document import Document, Source, read_document, stem_of, text_of
from gitbot.plans.merging import assemble
from gitbot.plans.names import fold
from gitbot.plans.paths import Index, Tree
from gitbot.plans.words import claim, words

__all__ = ["Source", "fold", "is_plan_file", "read_plans"]


class Reader(Protocol):
    """The shape of a module that reads one notation."""

    def recognises(self, document: Document) -> bool: ...
    def read(self, document: Document) -> Iterable[Plan]: ...


READERS: tuple[Reader, ...] = (chain, agent_lines, sections)
_ENDINGS = (".md", ".markdown")


def is_plan_file(path: str) -> bool:
    """Whether a file in a folder of plans is worth reading: Markdown that is no specification, brief or readme."""
    name = path.rpartition("/")[2].lower()
    return name == "tasks.json" or (name.endswith(_ENDINGS) and stem_of(name) not in words("not-plans"))


def read_plans(sources: Iterable[Source], files: Collection[str] | None = None) -> PlanSet:
    """Every plan of some files. `files` are the repository's tracked paths, None when they are not known.

    The answer does not depend on the order of the sources.
    """
    index = Index(files) if files is not None else None
    return assemble(_read(source, index) for source in sorted(sources, key=lambda source: source.path))


def _read(source: Source, index: Index | None) -> PlanSet:
    path, text = source.path, text_of(source)
    if isinstance(text, Problem):
        return PlanSet(problems=(text,))
    document = read_document(path, text, Tree(index, _sub_project(path, index)))
    problems = document.problems
    if any(problem.level == "error" for problem in problems):
        return PlanSet(problems=problems)
    reader = next(reader for reader in READERS if reader.recognises(document))
    plans = tuple(_with_folder(plan, document.tree.folder) for plan in reader.read(document))
    drawn, shared = trees.read(document)
    if plans or drawn or shared:
        return PlanSet(plans + drawn, shared, problems, (path,))
    empty = Problem("unreadable-plan", "warning", f"{path} holds no plan", path)
    return PlanSet(problems=problems or (empty,))


def _sub_project(path: str, index: Index | None) -> str:
    """The folder that a plan such as services/auth/IMPLEMENTATION_PLAN.md speaks for, or ""."""
    folder = path.rpartition("/")[0]
    kept_apart = any(part.lower() in words("plan-folders") or part.startswith(".") for part in folder.split("/"))
    if not folder or kept_apart or stem_of(path).lower() not in words("plan-stems"):
        return ""
    beside = index is None or any(f.startswith(f"{folder}/") and not f.endswith(_ENDINGS) for f in index.files)
    return folder if beside else ""


def _with_folder(plan: Plan, folder: str) -> Plan:
    """The plan of a sub-project owns its folder, unless it declares what it owns."""
    if not folder or plan.patterns(Access.OWN, ClaimSource.DECLARED):
        return plan
    return replace(plan, claims=(*plan.claims, claim("own", f"{folder}/**", plan.line, 0.7, ClaimSource.INFERRED)))
