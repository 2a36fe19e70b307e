"""Regular expressions that are compiled when they are first used.

Most plans need a third of those that the readers have, and compiling all of them takes a tenth of a small check.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING


class _Phrase:
    def __init__(self, pattern: str, flags: int | re.RegexFlag = 0) -> None:
        self.pattern, self.flags = pattern, flags

    def __getattr__(self, name: str) -> object:
        compiled = re.compile(self.pattern, self.flags)
        for method in ("match", "fullmatch", "search", "finditer", "findall", "split", "sub"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


if TYPE_CHECKING:
    phrase = re.compile
else:
    phrase = _Phrase
