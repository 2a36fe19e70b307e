"""`gitbot init`: write gitbot.toml with what the repository's own files suggest."""

from __future__ import annotations

from pathlib import Path

import click
import tomli_w

from gitbot import fileclasses
from gitbot.cli import Surroundings, console
from gitbot.config import FILE
from gitbot.errors import FileExistsInTheWayError, InputError
from gitbot.fileclasses import FileClass
from gitbot.repository import Repository, open_repository, refs

# The first file that is there decides; a shell command each, as the project's own documentation would name it.
_GATES = (
    ("package.json", "npm test"),
    ("Cargo.toml", "cargo test"),
    ("go.mod", "go test ./..."),
    ("tox.ini", "tox"),
    ("noxfile.py", "nox"),
    ("pyproject.toml", "python3 -m pytest"),
    ("setup.py", "python3 -m pytest"),
    ("pom.xml", "mvn -q test"),
    ("build.gradle", "./gradlew test"),
    ("build.gradle.kts", "./gradlew test"),
    ("Gemfile", "bundle exec rake test"),
    ("composer.json", "composer test"),
    ("mix.exs", "mix test"),
    ("Makefile", "make test"),
    ("tests", "python3 -m unittest discover -s tests"),
)
_SHARED = {FileClass.LOCK, FileClass.MANIFEST}


@click.command("init")
@click.pass_obj
def command(around: Surroundings) -> int:
    """Write gitbot.toml: target, plans folder, shared files found, a guess at the gate."""
    repository = open_repository(around.here, around.env)
    top = repository.work_tree
    if top is None:
        raise InputError("a bare repository has no work tree to write to", hint="write gitbot.toml on the target")
    path = top / FILE
    if path.exists():
        raise FileExistsInTheWayError(f"{path} exists already", hint="edit it; gitbot init never overwrites")
    command_line = next((line for name, line in _GATES if (top / name).exists()), "")
    target = refs.default_target(repository)
    path.write_text(_text(repository, target.removeprefix(refs.HEADS) if target else "main", command_line))
    console.data(f"wrote {path}")
    guess = f"the gate is a guess: {command_line}" if command_line else "no gate was found: fill in [gate] command"
    console.talk(guess)
    console.talk("look it over; it is in force now, and for everybody once it is committed on the target")
    return 0


def _text(repository: Repository, target: str, gate: str) -> str:
    head = repository.resolve("HEAD")
    files = repository.files(repository.tree_of(head)) if head else ()
    shared = [path for path in files if fileclasses.file_class(path) in _SHARED and "/" not in path]
    additive = [path for path in files if Path(path).name.upper().startswith(("CHANGELOG", "CHANGES", "HISTORY"))]
    table = {
        "target": target,
        "plans": ["plans"],
        "shared": shared[:20],
        "additive": [path for path in additive if "/" not in path],
        "gate": {"command": gate},
    }
    return "# What each key means: docs/configuration.md of gitbot\n" + tomli_w.dumps(table)
