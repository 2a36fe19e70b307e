"""The graph of all parallel work: what each branch stands on, whatever it merged, in the width that there is."""

from __future__ import annotations

from gitbot.report.terminal import cells
from tests.conftest import SandboxMaker, step
from tests.scenarios.beginnings import base

TEXT = "one\ntwo\nthree\nfour\nfive\n"


def test_stacked_branches_merges_and_the_targets_own_commits_are_one_picture(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base({"list.txt": TEXT}),
        step("agent-late", {"late.txt": "late\n"}, start="main"),
        *(step("main", {"m.txt": f"{number}\n"}) for number in range(3)),
        step("agent-a", {"list.txt": TEXT.replace("three", "drei")}, "a: one", start="main"),
        step("agent-a", {"a2.txt": "a\n"}, "a: two"),
        step("agent-b", {"b.txt": "b\n"}, "b: on top of a", start="agent-a"),
        step("agent-c", {"list.txt": TEXT.replace("three", "trois")}, "c: one", start="main"),
        step("agent-e", {"e.txt": "e\n"}, "e: one", start="main"),
        step("agent-e", merge="agent-c", message="e: with c"),
        *(step("agent-l", {"l.txt": f"{number}\n"}, f"l: {number}", start="main") for number in range(9)),
        step("main", {"m.txt": "last\n"}, "the last of main"),
    )
    box.git("branch", "agent-n", "main")
    short = {name: box.git("rev-parse", "--short=7", name) for name in ("main", "main~1", "main~4")}
    ran = box.gitbot("status", "agent-*", "--graph", env={"COLUMNS": "60"})
    assert ran.out.splitlines() == [
        f"●  {short['main~4']} base",
        "├─● agent-late  +1   running agent-late: change",
        "┊  2 commits",
        f"●  {short['main~1']} main: change",
        "├─●─●       agent-a  +2   running a: two",
        "│ │         × agent-c",
        "│ └─●       agent-b  +1   running b: on top of a",
        "│           × agent-c",
        "├─●         agent-c  +1   running c: one",
        "│           × agent-a, agent-b",
        "├─●─◆       agent-e  +2   running e: with c",
        "│           ◆ merged agent-c",
        "├─●─●─┄─●─● agent-l  +9   running l: 8",
        "│",
        f"●  main  {short['main']} the last of main",
        "└─○ agent-n  +0   idle",
        "",
        "● commit  ◆ merge  ○ nothing yet  × will conflict as things…",
    ]
    graph = box.gitbot("status", "agent-*", "--format", "json").document["graph"]
    lanes = {one["branch"]: one for one in graph["branches"]}
    assert (lanes["agent-b"]["parent"], lanes["agent-b"]["base"]) == ("agent-a", box.tip("agent-a"))
    assert (lanes["agent-a"]["parent"], lanes["agent-a"]["base"]) == (None, box.tip("main~1"))
    assert lanes["agent-e"]["merges"] == [{"at": 1, "branch": "agent-c"}]
    assert [one["behind"] for one in graph["target"]] == [4, 1, 0]


def test_branches_that_went_apart_after_common_work_stand_on_the_first_of_them(sandbox: SandboxMaker) -> None:
    box = sandbox(
        base(),
        step("agent-a", {"a.txt": "1\n"}, start="main"),
        step("agent-b", {"b.txt": "1\n"}, start="agent-a"),
        step("agent-a", {"a.txt": "2\n"}),
        step("agent-a", {"a.txt": "3\n"}),
    )
    graph = box.gitbot("status", "agent-*", "--format", "json").document["graph"]
    lanes = {one["branch"]: (one["parent"], one["base"], one["commits"]) for one in graph["branches"]}
    assert lanes == {"agent-b": (None, box.tip("main"), 2), "agent-a": ("agent-b", box.tip("agent-a~2"), 2)}


def test_commits_of_the_target_are_counted_by_its_first_parents_and_a_merge_stands_for_what_it_brought(
    sandbox: SandboxMaker,
) -> None:
    box = sandbox(
        base(),
        step("side", {"s.txt": "s\n"}, start="main"),
        step("agent-side", {"x.txt": "x\n"}, start="side"),
        step("side", {"s.txt": "ss\n"}),
        *(step("main", {"m.txt": f"{number}\n"}) for number in range(3)),
        step("agent-main", {"y.txt": "y\n"}, start="main"),
        *(step("main", {"m.txt": f"{number}\n"}) for number in range(3, 5)),
        step("main", merge="side", message="with side"),
        step("main", {"m.txt": "last\n"}, "the last of main"),
    )
    short = {at: box.git("rev-parse", "--short=7", at) for at in ("main", "main~1", "main~4", "side~1")}
    assert box.gitbot("status", "agent-*", "--graph").out.splitlines()[:8] == [
        f"●  {short['main~4']} main: change",
        "├─● agent-main  +1   running agent-main: change",
        "┊  2 commits",
        f"●  {short['main~1']} with side",
        "├─● agent-side  +1   running agent-side: change",
        f"│   begun before that merge, on {short['side~1']}",
        f"●  main  {short['main']} the last of main",
        "",
    ]
    graph = box.gitbot("status", "agent-*", "--format", "json").document["graph"]
    lanes = {one["branch"]: (one["base"], one["root"]) for one in graph["branches"]}
    assert lanes["agent-side"] == (box.tip("side~1"), box.tip("main~1"))
    assert lanes["agent-main"] == (box.tip("main~4"),) * 2
    assert [one["behind"] for one in graph["target"]] == [4, 1, 0]


def test_thirty_branches_that_all_meet_and_hostile_names_fit_eighty_columns(sandbox: SandboxMaker) -> None:
    """Every branch has its own line, none is wider, and no control character comes through."""
    names = [f"agent-{number:02}" for number in range(30)] + [
        "agent-\u202eevil",
        "agent-" + "漢" * 40,
        "agent-" + "x" * 99,
    ]
    box = sandbox(
        base({"list.txt": TEXT}),
        *(
            step(name, {"list.txt": TEXT.replace("three", name)}, "wörk \x1b[31m" + "ü" * 200, start="main")
            for name in names
        ),
    )
    out = box.gitbot("status", "agent-*", "--graph", env={"COLUMNS": "80"}).out
    lines = out.splitlines()
    assert max(map(cells, lines)) <= 80
    assert sum(line.startswith(("├─●", "└─●")) for line in lines) == len(names)
    assert sum(" × " in line and "and 29 more" in line for line in lines) == len(names)
    assert not {"\x1b", "\u202e"} & set(out)
    table, pairs, matrix, tally = box.gitbot("status", "agent-*", env={"COLUMNS": "80"}).out.split("\n\n")
    assert max(map(cells, table.splitlines())) <= 80
    assert pairs.splitlines()[1] == "  agent-00 × agent-01, agent-02, agent-03 and 29 more  list.txt"
    assert pairs.count(" × ") == len(names)
    assert f"{len(names)} are too many for 80 columns: --format html" in matrix
    assert tally == f"{len(names)} running; {len(names) * (len(names) - 1) // 2} pairs will conflict\n"
