"""`gitbot config show`: every key of the configuration in force, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping

import click
import tomli_w

from gitbot.cli import Surroundings, console
from gitbot.config import as_table
from gitbot.planset import in_force
from gitbot.report.terminal import escaped, printable
from gitbot.repository import open_repository, refs

_Key = tuple[str, ...]


@click.group()
def command() -> None:
    """Look at the configuration."""


@command.command()
@click.option("--origin", is_flag=True, help="Say behind each key where it comes from.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def show(around: Surroundings, origin: bool, form: str) -> int:
    """Print every key that is in force, as TOML that can be a gitbot.toml."""
    force = in_force(open_repository(around.here, around.env), None, around.env.get("GITBOT_CONFIG"))
    values = _keys(as_table(force.config))
    origins = {key: _origin(key, force.given) for key in values}
    if form == "json":
        listed = [{"key": _dotted(key), "value": values[key], "origin": origins[key]} for key in values]
        target = refs.shorthand(force.target)
        console.document({"schema": "gitbot.config/1", "target": target, "keys": listed})
    else:
        console.data(_text(values, origins if origin else {}))
    for note in force.notes:
        console.talk(f"note: {note}")
    return 0


def _keys(table: Mapping[str, object], above: _Key = ()) -> dict[_Key, object]:
    """Every key that has a value, by the names of the tables that it is in; an empty table is a value."""
    found: dict[_Key, object] = {}
    for name, value in table.items():
        if isinstance(value, dict) and value:
            found |= _keys(value, (*above, name))
        elif value is not None:
            found[(*above, name)] = value
    return found


def _origin(key: _Key, given: tuple[str, object]) -> str:
    where, table = given
    for name in key:
        if not isinstance(table, dict) or name not in table:
            return "default"
        table = table[name]
    return where


def _text(values: Mapping[_Key, object], origins: Mapping[_Key, str]) -> str:
    """A line a key, below the name of its table."""
    tables: dict[str, list[str]] = {}
    for key, value in values.items():
        comment = f"  # {printable(origins[key])}" if key in origins else ""
        line = f"{_dotted(key[-1:])} = {_value(value)}{comment}"
        tables.setdefault(_dotted(key[:-1]), []).append(line)
    parts = (f"[{name}]\n" * bool(name) + "\n".join(lines) for name, lines in tables.items())
    return escaped("\n\n".join(parts))


def _dotted(key: _Key) -> str:
    return ".".join(tomli_w.dumps({name: 0}).removesuffix(" = 0\n") for name in key)


def _value(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, float) and value.is_integer():  # as people write it
        value = int(value)
    return "{}" if value == {} else tomli_w.dumps({"x": value}).removeprefix("x = ").rstrip("\n")
