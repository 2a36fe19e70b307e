"""What to do next with as few runs of the gate as can be: branches are tested together, and a red group is searched.

A pure function of facts like the plain queue, whose words it uses: how the head is settled, and on which evidence
alone a branch is rejected. What it adds is steering: which branches to test together, on how many workers. A wrong
guess costs a run, never a verdict.

Source: the search in `gitbot.landing.search`; prefixes at once while few culprits are expected, groups side by side
otherwise. Figures in docs/decisions/011-queue.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gitbot.landing import search
from gitbot.landing.queue import (
    Chain,
    Done,
    Examine,
    Facts,
    Land,
    Link,
    Running,
    SetAside,
    Sighting,
    Standing,
    Step,
    Stop,
    Test,
    TestTarget,
    Wait,
    alone,
    blocker,
    first,
    phase_gate,
    target_must_pass,
)
from gitbot.model.gate import GateVerdict
from gitbot.model.git import BranchName, Oid
from gitbot.model.run import Entry, Outcome

FEW = (1.0, 0.4)  # culprits expected among unknown branches up to which workers share one queue: no block, one block
RESOLVED = 0.15  # by which a merge that keeps both sides of a conflict is likelier to be red


Names = tuple[BranchName, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Branches that hold a culprit, as far as is known, and the red run that says so."""

    names: Names
    red: Sighting


@dataclass(slots=True)
class Known:
    """What the sightings say of the branches that wait."""

    pool: dict[BranchName, None] = field(default_factory=dict)  # seen green, some on a target of before
    blocks: list[Block] = field(default_factory=list)
    ready: Names = ()  # green on the target of now, and about to land

    @property
    def tainted(self) -> set[BranchName]:
        """All that are in a block."""
        return {name for block in self.blocks for name in block.names}

    def clear(self, names: Names) -> None:
        """They are green together: whoever made another tree red is among the others."""
        self.pool.update(dict.fromkeys(names))
        rests = [(_without(block.names, names), block.red) for block in self.blocks]
        self.blocks = [Block(rest, red) for rest, red in rests if rest]


def decide(facts: Facts) -> tuple[Step, ...]:
    """All that can be done now: either one step at once, or the runs of the gate to start."""
    if not facts.waiting:
        return tuple(Stop(run.tree) for run in facts.running) or (Done(),)
    step = phase_gate(facts) or first(facts) or next(_known_again(facts), None)
    if step is None and not facts.gated:
        step = alone(facts, facts.waiting[0])
    if step is not None:
        return _not_twice(facts, [step])
    known = learn(facts)
    condemned = next(_condemned(facts, known), None)
    if condemned is not None:
        return (condemned,)
    ready = sorted(_ready(facts), key=len, reverse=True)
    urgent = (found for found in ready if _leaves_a_culprit(facts, known, found))
    landing = next(urgent, None) or next((found for found in ready if _spoils_nothing(facts, known, found)), None)
    if landing is not None:
        return (Land(landing),)
    known.ready = _names(ready[0]) if ready else ()
    known.clear(known.ready)
    known.pool = dict.fromkeys((*known.ready, *known.pool))
    useless = tuple(Stop(run.tree) for run in facts.running if _is_useless(facts, known, run.branches))
    if useless or len(facts.running) == facts.workers:
        return useless or (Wait(),)
    chosen = _choose(facts, known)
    useful = (step for step in chosen if not isinstance(step, Test) or not _is_useless(facts, known, step.branches))
    steps = _not_twice(facts, useful)
    if steps == (Wait(),) and not facts.running:  # the head merges, so it can always be asked
        return (Land(ready[0]) if ready else alone(facts, facts.waiting[0]),)
    return steps


def _not_twice(facts: Facts, steps: Iterable[Step]) -> tuple[Step, ...]:
    """What is to be done at once goes before all tests; a test that runs already is not started again."""
    at_work = {run.tree for run in facts.running}
    tests: dict[object, Step] = {}
    for step in steps:
        match step:
            case Test():
                tests.setdefault(step.tree, step)
            case TestTarget():
                tests.setdefault(facts.tree, step)
            case Wait():
                pass
            case _:
                return (step,)
    new = [step for tree, step in tests.items() if tree not in at_work]
    return tuple(new[: facts.workers - len(facts.running)]) or (Wait(),)


def learn(facts: Facts) -> Known:
    """Fold the sightings: a pass clears whoever was in it, a red one taints those of it that nothing has cleared.

    A red tree that passed at another time proves nothing, one with a branch that was set aside is explained, as is
    one with more suspects than another had, and a strange end counts when it came twice.
    """
    known = Known()
    left = {entry.name for entry in facts.waiting}
    returned = {name for name, report in facts.reports.items() if report.outcome is Outcome.SET_ASIDE}
    for seen in facts.sightings:
        members = tuple(name for name in seen.branches if name in left)
        if not members:
            continue
        if seen.verdict is GateVerdict.PASSED:
            known.clear(members)
        elif _is_red(facts, seen.tree) and not returned.intersection(seen.branches):
            suspects = _without(members, known.pool)
            if not suspects:  # green apart, red together
                suspects = members
                known.pool = {name: None for name in known.pool if name not in members}
            if not any(set(block.names) < set(suspects) for block in known.blocks):
                others = [block for block in known.blocks if not set(block.names) & set(suspects)]
                known.blocks = [*others, Block(suspects, seen)]
    return known


def _known_again(facts: Facts) -> Iterator[Examine]:
    """What has to be merged to tell what the sightings still say: a run that was killed remembers no merge."""
    returned = {name for name, report in facts.reports.items() if report.outcome is Outcome.SET_ASIDE}
    for seen in facts.sightings:
        found = compose(facts, seen.branches) if returned.isdisjoint(seen.branches) else ()
        if isinstance(found, Examine):
            yield found


def _is_red(facts: Facts, tree: Oid) -> bool:
    verdicts = [seen.verdict for seen in facts.verdicts[tree]]
    return GateVerdict.PASSED not in verdicts and (GateVerdict.FAILED in verdicts or len(verdicts) > 1)


def _without(names: Iterable[BranchName], those: Iterable[BranchName]) -> tuple[BranchName, ...]:
    taken = set(those)
    return tuple(name for name in names if name not in taken)


def _ready(facts: Facts) -> Iterator[Chain]:
    """Chains whose very tree passed: what is left of them stands on the target as it is now."""
    for seen in facts.sightings:
        chain = _still(facts, seen.tree, seen.branches) if seen.verdict is GateVerdict.PASSED else ()
        if chain:
            yield chain


def _still(facts: Facts, tree: Oid, branches: Names) -> Chain:
    """The chain that was tested, if what is left of it makes the same tree on the target as it is now; else ()."""
    chain = compose(facts, branches)
    return chain if isinstance(chain, tuple) and chain and chain[-1].candidate.tree == tree else ()


def _names(chain: Chain) -> Names:
    return tuple(link.entry.name for link in chain)


def _condemned(facts: Facts, known: Known) -> Iterator[SetAside]:
    """Branches that were red alone on the target of now: nothing may land before they are given back."""
    for block in known.blocks:
        if len(block.red.branches) == 1 and _still(facts, block.red.tree, block.red.branches):
            step = alone(facts, _entry(facts, block.names[0]))
            if isinstance(step, SetAside):
                yield step


def _leaves_a_culprit(facts: Facts, known: Known, ready: Chain) -> bool:
    """Whether some red run is, once this chain has landed, that of a single branch on the target."""
    singles = [block.red for block in known.blocks if len(block.names) == 1]
    return any(_still(facts, red.tree, red.branches)[:-1] == ready for red in singles)


def _spoils_nothing(facts: Facts, known: Known, ready: Chain) -> bool:
    """Whether no red run, known or to come, would have to be asked again because this chain has landed.

    One that begins with it stays exact.
    """
    others = [block for block in known.blocks if not set(block.names) <= set(_names(ready))]
    runs = [(block.red.tree, block.red.branches) for block in others]
    runs += [(run.tree, run.branches) for run in facts.running if len(run.branches) == 1]
    exact = filter(None, (_still(facts, tree, branches) for tree, branches in runs))
    return all(chain[: len(ready)] == ready for chain in exact)


def _is_useless(facts: Facts, known: Known, branches: Names) -> bool:
    """Whether a run under way can neither land anything nor say anything new."""
    if any((report := facts.reports.get(name)) and report.outcome is Outcome.SET_ASIDE for name in branches):
        return True
    left = {entry.name for entry in facts.waiting}.intersection(branches)
    asked = left.difference(known.pool)
    tainted = any(set(block.names) < asked for block in known.blocks)
    return bool(branches) and (tainted or not left)


# Chains


def compose(facts: Facts, names: Iterable[BranchName], most: int | None = None) -> Chain | Examine:
    """The branches merged one onto the other, as far as they wait and go together; else what has to be found out.

    A branch that conflicts with an earlier one of the chain, or needs one that is not in it, is left out this time.
    """
    entries = {entry.name: entry for entry in facts.waiting}
    links: list[Link] = []
    onto = facts.tip
    for name in names:
        entry = entries.get(name)
        if entry is None or not _has_its_needs(facts, entry, links) or _overtakes(entry, entries, links):
            continue
        found = facts.examined.get((name, onto))
        if found is None:
            return Examine(entry, onto)
        if isinstance(found, tuple) and (name, onto) not in facts.trespass and (name, onto) not in facts.unapproved:
            alive = [one for one in found if onto != facts.tip or facts.standing(one.tree) is not Standing.RED]
            links.append(Link(entry, (alive or found)[0]))
            onto = links[-1].candidate.commit
        if len(links) == most:
            break
    return tuple(links)


def _has_its_needs(facts: Facts, entry: Entry, links: Sequence[Link]) -> bool:
    there = {link.entry.name for link in links}
    waiting = {other.name for other in facts.waiting}
    return blocker(facts, entry) is None and all(name in there or name not in waiting for name in entry.needs)


def _overtakes(entry: Entry, waiting: Mapping[BranchName, Entry], links: Sequence[Link]) -> bool:
    """Whether a branch before it that it conflicts with may yet land: that one goes first.

    It may unless one that it comes after itself is in the chain.
    """
    there = {link.entry.name for link in links}
    return any(name in waiting and there.isdisjoint((name, *waiting[name].behind)) for name in entry.behind)


# Choosing


def _choose(facts: Facts, known: Known) -> Iterator[Step]:
    """The runs that are worth most now, the best first."""
    chances = {entry.name: chance(facts, entry) for entry in facts.waiting}
    queue = _without(chances, known.pool)
    unknown = sum(chances[name] for name in _without(queue, known.tainted))
    order = (*known.blocks[0].names, *_without(queue, known.blocks[0].names)) if known.blocks else queue
    few = len(known.blocks) < 2 and unknown <= FEW[len(known.blocks)]
    if facts.workers == 1 or (few and all(_is_prefix(facts, known, run, order) for run in facts.running)):
        yield from _prefixes(facts, known, order, chances)
    else:
        yield from _side_by_side(facts, known, queue, chances)
    if not queue:
        yield _together(facts, tuple(known.pool))


def _is_prefix(facts: Facts, known: Known, run: Running, order: Names) -> bool:
    new = _without(run.branches, {*known.pool, *facts.reports})
    return new == order[: len(new)] and bool(_still(facts, run.tree, run.branches))


def chance(facts: Facts, entry: Entry) -> float:
    """That the branch makes a green target red; more where its merge keeps both sides of a conflict."""
    found = facts.examined.get((entry.name, facts.tip))
    kept_both = isinstance(found, tuple) and bool(found[0].resolved)
    return 1 - (1 - entry.chance) * (1 - RESOLVED) if kept_both else entry.chance


def expected_runs(facts: Facts) -> float:
    """Runs of the gate until all that wait have their verdict, in the order in which they are asked."""
    first, *others = [block.names for block in learn(facts).blocks] or [()]
    odds = {entry.name: chance(facts, entry) for entry in facts.entries if entry.name not in facts.reports}
    order = (*first, *_without(odds, (*first, *(name for names in others for name in names))))
    return sum(
        search.expected_runs([odds[name] for name in names], red)
        for names, red in [(order, len(first)), *((names, len(names)) for names in others)]
    )


def _prefixes(facts: Facts, known: Known, order: Names, chances: Mapping[BranchName, float]) -> Iterator[Step]:
    """Prefixes of one queue, a tainted block at its head."""
    block = known.blocks[0] if known.blocks else None
    if block is not None and len(block.names) == 1:
        yield _part(facts, known, block, 1)
        order, block = order[1:], None
        if facts.workers == 1:
            return
    if not order:
        return
    odds, red = [chances[name] for name in order], len(block.names) if block is not None else 0
    if facts.workers == 1:
        sizes: tuple[int, ...] = (search.split(odds, red) if red else search.group(odds),)
    else:
        sizes = search.cuts(odds, red, facts.workers)
    for size in sizes:
        yield _part(facts, known, block, size) if block is not None else _with_pool(facts, known, order, size)
    if block is not None and facts.workers > 1:  # a small block has not work for all
        rest = order[red:]
        if rest:
            yield _with_pool(facts, known, rest, search.group(odds[red:]))
        else:
            yield _with_pool(facts, known, order[sizes[-1] :], 1)


def _side_by_side(facts: Facts, known: Known, queue: Names, chances: Mapping[BranchName, float]) -> Iterator[Step]:
    """Each worker a group of its own: first the parts of tainted blocks, then branches of which nothing is known."""
    busy = {name for run in facts.running for name in run.branches}
    free = facts.workers - len(facts.running)
    fresh = _without(queue, busy | known.tainted)
    for block in known.blocks:
        if busy.isdisjoint(block.names):
            free -= 1
            odds = [chances[name] for name in (*block.names, *fresh)]
            size = search.split(odds, len(block.names)) if len(block.names) > 1 else 1
            yield _part(facts, known, block, size)
    while free > 0 and fresh:
        share = _share(facts, fresh, busy, -(-len(fresh) // free))
        size = search.group([chances[name] for name in share])
        yield _with_pool(facts, known, share, size)
        busy |= set(share[:size])
        fresh = _without(fresh, share[:size])
        free -= 1


def _share(facts: Facts, fresh: Names, busy: set[BranchName], size: int) -> Names:
    """One worker's part of the branches; those that touch the files of a run under way had better wait for it."""
    near = {name for name in fresh if not busy.isdisjoint(_entry(facts, name).near)}
    return (_without(fresh, near) or fresh)[:size]


def _part(facts: Facts, known: Known, block: Block, size: int) -> Step:
    """Some of a block: on what was green before it in its own red run while that stands, else on all green ones."""
    if any(_without(run.branches, {*known.pool, *facts.reports}) == block.names[:size] for run in facts.running):
        return Wait()  # the same is asked already, on a target of before
    exact = _names(_still(facts, block.red.tree, block.red.branches))
    if not exact:
        return _with_pool(facts, known, block.names, size)
    cleared = _without(exact, block.names)
    if not known.pool.keys() >= set(cleared):
        return _with_pool(facts, known, block.names, size)
    if cleared and len(block.names) == 1:
        return _together(facts, cleared)  # once it has landed, the red run is that of one branch on the target
    return _on(facts, cleared, block.names, size)


def _with_pool(facts: Facts, known: Known, names: Names, size: int) -> Step:
    """A group on top of all that is green; a single one only on what lands, since so its red run is evidence."""
    return _on(facts, known.ready if size == 1 else tuple(known.pool), names, size)


def _on(facts: Facts, green: Names, names: Names, size: int) -> Step:
    if size == 1 and not green:
        fits = compose(facts, names[:1])  # a need, an owner or a missing yes may keep it back as yet
        if isinstance(fits, Examine):
            return fits
        return alone(facts, _entry(facts, names[0])) if fits else Wait()
    return _together(facts, (*green, *names), len(green) + size)


def _entry(facts: Facts, name: BranchName) -> Entry:
    return next(entry for entry in facts.waiting if entry.name == name)


def _together(facts: Facts, names: Sequence[BranchName], most: int | None = None) -> Step:
    """Test branches in one chain; a tree that came to a strange end first asks for the bare target."""
    found = compose(facts, names, most)
    if isinstance(found, Examine):
        return found
    if not found:
        return Wait()
    test = Test(found)
    seen = facts.verdicts.get(test.tree, ())
    if any(one.verdict in (GateVerdict.FAILED, GateVerdict.PASSED) for one in seen):
        return Wait()  # nothing to be learnt from the same again
    return (seen and target_must_pass(facts)) or test
