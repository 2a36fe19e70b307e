"""PLAN text becomes values: whatever notation a plan is written in, who owns what, in which order, what is left.

Pure: bytes in, a `PlanSet` out; rubbish gives problems, never an exception. Whether plans collide is asked
elsewhere. What a known tool writes is described in `formats.toml`; everything else is read by the first module of the
list below that recognises it. Drawn trees and tables of owners are read in every file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from gitbot.model.plan import Access, Plan, PlanSet, Problem, Task, fold, usual_branches
from gitbot.model.plan import Source as ClaimSource
from gitbot.plans import chain, formats, messages, sections, siblings, structured, tables, trees
from gitbot.plans.document import Document, Source, read_document, stem_of, text_of
from gitbot.plans.merging import assemble
from gitbot.plans.paths import Index, Tree
from gitbot.plans.phrases import phrase
from gitbot.plans.tasks import is_unbounded
from gitbot.plans.words import claim, words

__all__ = ["Source", "fold", "is_plan_file", "read_plans", "usual_branches"]


Each = Callable[[Callable[[Source], PlanSet], Sequence[Source]], list[PlanSet]]


class Reader(Protocol):
    """The shape of a module that reads one notation."""

    def recognises(self, document: Document) -> bool: ...
    def read(self, document: Document) -> Iterable[Plan]: ...


READERS: tuple[Reader, ...] = (chain, messages, sections)
_ENDINGS = (".md", ".markdown")
_DATA = ("tasks.json", "prd.json", "issues.jsonl")
_BESIDE = phrase(r"\d.*-(?!PLAN$)[A-Z]{3,}|\d{4}-\d\d-\d\d-.*-design|\.progress")  # 01-02-SUMMARY beside 01-02-PLAN


def is_plan_file(path: str) -> bool:
    """Whether a file in a folder of plans is worth reading: Markdown that is no specification, brief or readme.

    What a change does to specifications (`changes/ID/specs/NAME/spec.md`) belongs to the change's plan.
    """
    name, stem = path.rpartition("/")[2].lower(), stem_of(path)
    delta = stem == "spec" and re.search(r"(?:^|/)changes/(?!archive/)[^/]+/specs/", path)
    other = stem.lower() in words("not-plans") or _BESIDE.fullmatch(stem)
    return name in _DATA or (name.endswith(_ENDINGS) and bool(delta or not other))


def read_plans(
    sources: Iterable[Source],
    files: Collection[str] | None = None,
    each: Each = lambda read, every: list(map(read, every)),
) -> PlanSet:
    """Every plan of some files. `files` are the repository's tracked paths, None when they are not known.

    The answer does not depend on the order of the sources. `each` reads them all by what reads one, as `map` does.
    """
    index = Index(files) if files is not None else None
    readings = each(partial(_read, index), sorted(sources, key=lambda source: source.path))
    settled = siblings.settle((plan for reading in readings for plan in reading.plans), index)
    return assemble([settled, *(replace(reading, plans=()) for reading in readings)])


def _read(index: Index | None, source: Source) -> PlanSet:
    path, text = source.path, text_of(source)
    if isinstance(text, Problem):
        return PlanSet(problems=(text,))
    tree = Tree(index, _sub_project(path, index))
    if structured.recognises(path, text):
        plans, problems = structured.read(path, text, tree)
        return PlanSet(plans, problems=problems, files=(path,) if plans else ())
    document = read_document(path, text, tree)
    if any(problem.level == "error" for problem in document.problems):
        return PlanSet(problems=document.problems)
    format = formats.recognise(document)
    if format and format.cut == "none":
        return PlanSet()
    return _plans_of(document, format)


def _plans_of(document: Document, format: formats.Format | None) -> PlanSet:
    path, ignored = document.path, format.ignore if format else ()
    problems = tuple(p for p in document.problems if not any(f"the key {key} " in p.message for key in ignored))
    if format and format.cut != "sections":
        plans = tuple(formats.read(document, format))
    else:
        reader = next(reader for reader in READERS if reader.recognises(document))
        plans = tuple(_with_folder(plan, document.tree.folder) for plan in reader.read(document))
        plans = tuple(replace(p, format=format.name) if format and len(plans) == 1 else p for p in plans)
    drawn, tabled = (((), ()),) * 2 if format and format.crowd else (trees.read(document), tables.read(document))
    above = (c for plan in plans if plan.format == sections.PREAMBLE for c in plan.claims)
    plans = tuple(plan for plan in plans if plan.format != sections.PREAMBLE) + drawn[0] + tabled[0]
    shared = (*(replace(c, path=path) for c in above), *drawn[1], *tabled[1])
    problems += tuple(_unbounded(plan, task) for plan in plans for task in plan.tasks if is_unbounded(task))
    if plans or shared:
        return PlanSet(plans, shared, problems, (path,))
    known = siblings.is_paper(path) or (format and format.name != "canonical")  # a tool's file may be empty
    empty = () if known else (Problem("unreadable-plan", "note", f"{path} holds no plan", path),)
    return PlanSet(problems=problems or empty)


def _unbounded(plan: Plan, task: Task) -> Problem:
    message = f"{plan.id} has a task without bounds: {task.text[:80]}"
    hint = "let the plan run alone (`parallel: false`), or name the files that the task changes"
    return Problem("no-ownership", "warning", message, plan.path, task.line, hint=hint)


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
