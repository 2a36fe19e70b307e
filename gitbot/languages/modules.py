"""Which files of a tree an import means: relative names, the roots of each language, and what manifests call folders.

A name that could mean several files means the nearest, one that nothing here explains means none: it is a library's.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import chain, islice
from posixpath import normpath
from typing import Any, NamedTuple

from gitbot.languages.grammars import Tongue, tongue_of
from gitbot.languages.imports import Import

_LONGEST = 500  # characters of a name
_MOST_MANIFESTS = 500  # of one language, the outermost first
_LARGEST_MANIFEST = 64 << 10
_SEPARATORS = {"rust": "::", "php": "\\", "go": "/", "ecmascript": "/", "ruby": "/"}
_MANIFESTS = {
    "ecmascript": re.compile(r"(?:.*/)?(?:package|[jt]sconfig[^/]*)\.json"),
    "go": re.compile(r"(?:.*/)?go\.mod"),
    "rust": re.compile(r"(?:.*/)?Cargo\.toml"),
    "php": re.compile(r"(?:.*/)?composer\.json"),
    "csharp": re.compile(r".*\.csproj"),
}
_JAVA_ROOT = re.compile(r"(?:.*/)?(?:java|src)(?=/.*\.java$)")
_CRATES = ("lib.rs", "main.rs")

Parts = tuple[str, ...]


class _Place(NamedTuple):
    """Where a module may be: below a folder, by the parts of its name, of which the last may be members of it."""

    folder: str
    parts: Parts = ()
    members: int = 0


class Modules:
    """The files of one tree, asked by the names that modules have."""

    def __init__(self, files: Iterable[str], read: Callable[[str], bytes | None]) -> None:
        self._files = frozenset(files)
        self._read = read
        self._named: dict[str, dict[Parts, list[tuple[str, str]]]] = {}

    def targets(self, path: str, found: Import, data: bytes) -> tuple[str, ...]:
        """The files of the tree that an import in `path`, whose content is `data`, stands for."""
        tongue = tongue_of(path)
        if tongue is None or len(found.name) > _LONGEST:
            return ()
        near, far = self._places(tongue, path, found)
        if found.kind in ("space", "package"):
            words = None if found.kind == "package" else _words(data)
            every = (hit for place in chain(near, far) for hit in self._inside(tongue, place, words))
            return tuple(hit for hit in dict.fromkeys(every) if hit != path)
        hit = next(filter(None, (self._file(tongue, place) for place in near)), None)
        others = set() if hit else {self._file(tongue, place) for place in far} - {None}
        hit = others.pop() if len(others) == 1 else hit
        return (hit,) if hit is not None and hit != path else ()

    def _places(self, tongue: Tongue, path: str, found: Import) -> tuple[Iterable[_Place], Iterable[_Place]]:
        """Where a module may be, the likeliest first; then where it is if only one of them has it."""
        parts = _parts(tongue.name, found.name)
        if found.kind == "relative" or (tongue.name == "ecmascript" and found.name.startswith(".")):
            stem = _joined(_folder(path), found.name.lstrip("/"))
            return [_Place(stem)] if stem is not None else [], ()
        match tongue.name:
            case "python":
                return self._of_python(path, found, parts)
            case "rust":
                return self._of_rust(path, found, parts), ()
            case "java":
                places = (_Place(root, parts, 2) for root in _above(path))
                return places, (_Place(root, parts, 2) for root in self._java_roots)
            case "ruby":
                return (_Place(_under(root, sub), parts) for root in _above(path) for sub in ("", "lib")), ()
        return self._called(tongue.name, path, parts), ()

    def _of_python(self, path: str, found: Import, parts: Parts) -> tuple[Iterable[_Place], Iterable[_Place]]:
        if dots := len(found.name) - len(found.name.lstrip(".")):
            return [_Place(above, parts, found.members) for above in islice(_above(path), dots - 1, dots)], ()
        if not parts or parts[0] in sys.stdlib_module_names:
            return (), ()
        members = min(found.members, len(parts) - 1)
        roots = [root for root in _above(path) if _under(root, "__init__.py") not in self._files]
        near = (_Place(_under(root, sub), parts, members) for root in roots for sub in ("", "src"))
        return near, (_Place(root, parts, members) for root in self._package_roots)

    def _of_rust(self, path: str, found: Import, parts: Parts) -> Iterator[_Place]:
        crate = next((root for root in _above(path) if self._file_of_crate(root)), _folder(path))
        inside = tuple(path.removesuffix(".rs").removeprefix(f"{crate}/" if crate else "").split("/"))
        module = inside[:-1] if inside[-1] in ("lib", "main", "mod") or not self._file_of_crate(crate) else inside
        names = tuple(part for part in parts if part not in ("crate", "self", "super", "*"))
        ups = parts.count("super") - found.depth  # `super` in a module written out in the file is the file's own
        if found.kind == "child":
            yield _Place(crate, (*module, *names))
        elif parts[:1] == ("crate",):
            yield _Place(crate, names, len(names))
        elif parts[:1] in (("self",), ("super",)):
            if 0 <= ups <= len(module):
                base = module[: len(module) - ups]
                yield _Place(crate, (*base, *names), len(names))
        else:
            yield from (place._replace(members=len(place.parts)) for place in self._called("rust", path, names))
            yield _Place(crate, (*module, *names), len(names) - 1)

    # The tree

    def _file(self, tongue: Tongue, place: _Place) -> str | None:
        """The file of a module."""
        for length in range(len(place.parts), len(place.parts) - max(place.members, 0) - 1, -1):
            stem = "/".join(filter(None, (place.folder, *place.parts[:length])))
            # TypeScript calls a module by the name that it has once it is compiled.
            source = re.sub(r"\.[cm]?jsx?$", "", stem) if tongue.name == "ecmascript" else stem
            paths = (_under("", each + ending) for each in dict.fromkeys((stem, source)) for ending in tongue.endings)
            hit = next(filter(self._files.__contains__, paths), None)
            if hit is None and tongue.name == "rust" and length == 0:
                hit = self._file_of_crate(place.folder)
            if hit is not None:
                return hit
        return None

    def _inside(self, tongue: Tongue, place: _Place, words: frozenset[bytes] | None) -> tuple[str, ...]:
        """The files of a folder that share one namespace; with `words`, those whose name is among them."""
        folder = "/".join(filter(None, (place.folder, *place.parts)))
        members = [each for each in self._by_folder.get(folder, ()) if tongue_of(each) is tongue]
        if words is None:
            return tuple(each for each in members if not each.endswith("_test.go"))
        return tuple(each for each in members if re.split(r"[/.]", each)[-2].encode() in words)

    def _file_of_crate(self, folder: str) -> str | None:
        return next(filter(self._files.__contains__, (_under(folder, name) for name in _CRATES)), None)

    def _called(self, language: str, path: str, parts: Parts) -> Iterator[_Place]:
        """Folders that manifests give to a name or its beginning, the longest and the nearest first."""
        known = self._known(language)
        for length in range(len(parts), -1, -1):
            here = [each for each in known.get(parts[:length], ()) if path.startswith(each[0])]
            yield from (_Place(folder, parts[length:]) for _, folder in sorted(here, key=lambda each: -len(each[0])))

    def _known(self, language: str) -> dict[Parts, list[tuple[str, str]]]:
        """From the parts of a name to where it holds (a folder with its slash) and the folder that it means."""
        if language not in self._named:
            known = self._named[language] = {}
            manifests = filter(_MANIFESTS[language].fullmatch, self._files)
            for path in sorted(manifests, key=lambda each: (each.count("/"), each))[:_MOST_MANIFESTS]:
                here, data = path[: path.rfind("/") + 1], self._read(path) or b""
                try:
                    said = _said(language, path, data[: _LARGEST_MANIFEST + 1].decode("utf-8-sig", "replace"))
                except (ValueError, LookupError, RecursionError, AttributeError, TypeError):
                    continue  # a manifest that is none
                for everywhere, name, folder in said if len(data) <= _LARGEST_MANIFEST else ():
                    if (place := _joined(here, folder)) is not None:
                        known.setdefault(_parts(language, name), []).append(("" if everywhere else here, place))
        return self._named[language]

    @cached_property
    def _package_roots(self) -> list[str]:
        """The folders in which outermost packages of Python lie."""
        packages = {_folder(path) for path in self._files if path.endswith("/__init__.py")}
        return sorted(set(map(_folder, packages)) - packages)

    @cached_property
    def _java_roots(self) -> list[str]:
        return sorted({found[0] for path in self._files if (found := _JAVA_ROOT.match(path))})

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self._files):
            found.setdefault(_folder(path), []).append(path)
        return found


def _said(language: str, path: str, text: str) -> list[tuple[bool, str, str]]:
    """What one manifest calls folders: whether everywhere, the name, the folder as seen from the manifest."""
    if language == "go":
        return [(True, name, "") for name in re.findall(r"^module[ \t]+\"?([^\s\"]+)", text, re.MULTILINE)[:1]]
    if language == "csharp":
        stem = path.rpartition("/")[2].removesuffix(".csproj")
        return [(True, name, "") for name in {stem, *re.findall(r"<RootNamespace>([\w.]+)<", text)}]
    if language == "rust":
        cargo = tomllib.loads(text)
        names = (cargo.get(table, {}).get("name", "") for table in ("lib", "package"))
        return [(True, name.replace("-", "_"), "src") for name in names if name]
    data = _json(text)
    if language == "php":
        tables = (data.get(table, {}).get("psr-4", {}) for table in ("autoload", "autoload-dev"))
        told = ((name, [some] if isinstance(some, str) else some) for table in tables for name, some in table.items())
        return [(False, name, str(folder)) for name, folders in told for folder in folders]
    if path.endswith("package.json"):
        return [(True, str(data["name"]), folder) for folder in ("", "src")]
    options = data.get("compilerOptions", {})
    base = str(options.get("baseUrl", ""))
    paths = ((name, folder) for name, folders in options.get("paths", {}).items() for folder in folders)
    found = [(False, name.removesuffix("*"), f"{base}/{folder.removesuffix('*')}") for name, folder in paths]
    return [(False, "", base), *found] if base else found


def _json(text: str) -> dict[str, Any]:
    """JSON as tsconfig.json is written: with comments, and commas too many."""
    comment = r'("(?:\\.|[^"\\])*(?:"|\Z))|//[^\n]*|/\*.*?(?:\*/|\Z)'
    bare = re.sub(comment, lambda found: found[1] or "", text, flags=re.DOTALL)
    found: dict[str, Any] = json.loads(re.sub(r",(?=\s*[}\]])", "", bare))
    return found


@lru_cache(maxsize=1)
def _words(data: bytes) -> frozenset[bytes]:
    return frozenset(re.findall(rb"[A-Za-z_]\w*", data))


def _parts(language: str, name: str) -> Parts:
    return tuple(part for part in name.split(_SEPARATORS.get(language, ".")) if part)


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _under(folder: str, name: str) -> str:
    return f"{folder}/{name}".strip("/")


def _above(path: str) -> Iterator[str]:
    """The folder of a path, the one above, and so on to the top."""
    while path:
        path = _folder(path)
        yield path


def _joined(folder: str, name: str) -> str | None:
    """A relative name from a folder; None when it leaves the tree."""
    joined = normpath(f"{folder}/{name}".lstrip("/"))
    return None if joined.split("/")[0] == ".." else joined if joined != "." else ""
