"""A made-up repository in which four agents are at work: one is done, one is under way, one is stuck, two collide."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitbot.repository.recipes import Recipe, Step, build
from tests.conftest import Sandbox

BOOKS = ["def title(book):", "    return book.title", "", "def price(book):", "    return book.price"]


Files = dict[str, str | list[str]]


def _plan(name: str, title: str, owns: str, *tasks: str, shared: str = "") -> list[str]:
    head = ["---", f"plan: {name}", f"owns: [{owns}]", f"shared: [{shared}]", "---", f"# {title}"]
    return [*head, *(f"- [{'x' if task[0] == '+' else ' '}] {task.lstrip('+')}" for task in tasks)]


PLANS = {
    "auth": _plan("auth", "Log in", "shop/auth.py", "log in", "log out"),
    "catalog": _plan(
        "catalog", "All books", "shop/catalog.py", "list", "sort", "filter", "pages", shared="shop/books.py"
    ),
    "search": _plan("search", "Find a book", "shop/search.py", "index", "query", "ranking", shared="shop/books.py"),
    "theme": _plan("theme", "Prices in bold", "shop/theme.py", "bold prices", shared="shop/books.py"),
}


def _ticked(name: str, done: int, *more: str) -> list[str]:
    lines = list(PLANS[name])
    for at in [at for at, line in enumerate(lines) if line.startswith("- [ ]")][:done]:
        lines[at] = lines[at].replace("[ ]", "[x]")
    return [*lines, *more]


def _work(name: str, message: str, done: int, files: Files, *more: str) -> Step:
    plan: Files = {f"plans/{name}.md": _ticked(name, done, *more)}
    return Step(branch=f"agent-{name}", message=message, start="main", files=files | plan)


def team(folder: Path, env: Mapping[str, str]) -> Sandbox:
    """The repository in `folder`/bookshop, with a work tree beside it in which something is not committed."""
    config = '[gate]\ncommand = "sh gate.sh"\n'
    base: Files = {"gitbot.toml": config, "gate.sh": "! grep -rl BROKEN shop\n", "shop/books.py": BOOKS}
    plans: Files = {f"plans/{name}.md": text for name, text in PLANS.items()}
    bold = [line.replace("book.price", "bold(book.price)") for line in BOOKS]
    cents = [line.replace("book.price", "cents(book.price)") for line in BOOKS]
    words = [line.replace("book.title", "book.title.casefold()") for line in BOOKS]
    steps = [
        Step(branch="main", message="A shop with one shelf", files={**base, **plans}),
        _work("auth", "feat: log in and out", 2, {"shop/auth.py": "def log_in(): ...\n"}),
        _work(
            "catalog",
            "feat: a list that can be sorted",
            2,
            {"shop/catalog.py": "def all(): ...\n", "shop/books.py": cents},
        ),
        _work(
            "search",
            "wip: index",
            1,
            {"shop/search.py": "def index(): ...\n", "shop/books.py": words},
            "",
            "STUCK: no key in .env",
        ),
        _work("theme", "feat: prices in bold", 1, {"shop/theme.py": "def bold(x): ...\n", "shop/books.py": bold}),
    ]
    path = folder / "bookshop"
    build(Recipe(commit=steps), path, env)
    box = Sandbox(path, env)
    box.git("worktree", "add", "--quiet", "../catalog", "agent-catalog")
    (folder / "catalog" / "shop" / "pages.py").write_text("def page(number): ...\n")
    assert box.gitbot("hook", "install").code == 0
    return box
