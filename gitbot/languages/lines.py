"""What a single line says by the word it begins with, in any language and without a parser."""

from __future__ import annotations

import re
from functools import lru_cache

_LONGEST = 400  # bytes of a line that are looked at; a declaration that starts later is no line of a person's

_MODIFIERS = (
    rb"abstract|async|const(?=\s+fn)|data|declare|default|export|extern|final|inline|internal|local|open|override"
    rb"|partial|private|protected|pub(?:\([^()]*\))?|public|sealed|static|suspend|unsafe|virtual"
)
_KEYWORDS = (
    rb"class|const|def|defmodule|defp|enum|fn|fun|func|function|interface|let|macro_rules!|message|mod|module"
    rb"|namespace|object|protocol|record|service|sub|struct|trait|type|union|val|var"
)
# A Go method's receiver is part of its name: methods of two types may share the rest of it.
_DEFINITION = re.compile(
    rb"\s*(?:(?:" + _MODIFIERS + rb")\s+)*(?:" + _KEYWORDS + rb")(?:\s*\*)?\s+"
    rb"(?:\([^()]*?(?P<receiver>\w+)(?:\[[^\]]*\])?\s*\)\s*)?(?P<name>[A-Za-z_$][\w$]*)"
)

_ECMASCRIPT = rb"""import\s*['"{*\w].*|export\s.*\sfrom\s+['"].*|(?:const|let|var)\s.*=\s*require\(.*\);?"""
_JVM = rb"import\s+[\w.*\s]+;?"
_IMPORTS = {
    (".py", ".pyi"): rb"(?:from\s+[\w.]+\s+import\s+[^(]+|import\s+[\w., ]+)",
    (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"): _ECMASCRIPT,
    (".go",): rb"""(?:import\s+)?(?:[\w.]+\s+)?"[\w./~-]+\"""",
    (".rs",): rb"(?:pub(?:\([^()]*\))?\s+)?(?:use\s.*;|mod\s+\w+;|extern\s+crate\s.*;)",
    (".java", ".kt", ".kts", ".scala", ".groovy"): _JVM,
    (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".m"): rb"#\s*(?:include|import)\s.*",
    (".cs",): rb"(?:global\s+)?using\s+(?!\()[^(){}]+;",
    (".php",): rb"(?:use\s[\w\\ ,{}]+|(?:require|include)(?:_once)?\b.*);",
    (".rb",): rb"""require(?:_relative)?[\s(]+['"].*""",
    (".css", ".scss", ".sass", ".less"): rb"@(?:import|use|forward)\s.*",
    (".swift",): rb"import\s+[\w.]+",
}
_IMPORT_OF = {
    suffix: re.compile(rb"(?:" + words + rb")\s*") for suffixes, words in _IMPORTS.items() for suffix in suffixes
}


@lru_cache(maxsize=1 << 14)  # the two versions of a file have most lines in common
def defined_names(line: bytes) -> tuple[str, ...]:
    """The names that a line of any language defines, by a leading word such as def, class, fn, const or struct."""
    found = _DEFINITION.match(line[:_LONGEST])
    if found is None:
        return ()
    parts = (found["receiver"], found["name"])
    return (".".join(part.decode("ascii", "replace") for part in parts if part),)


def is_import(path: str, line: bytes) -> bool:
    """Whether a line is by itself an import in the language that the file's name tells."""
    dot = path.rfind(".")
    words = _IMPORT_OF.get(path[dot:].lower()) if dot >= 0 else None
    return words is not None and len(line) <= _LONGEST and words.fullmatch(line.strip()) is not None
