"""What a Python function without an annotation gives, as the expressions behind its `return`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RETURN = re.compile(r"(?:^|:)[ \t]+return\b[ \t]*([^\n#]*)", re.MULTILINE)
_YIELD = re.compile(r"\byield\b")
_MOST = 4
_LONGEST = 20_000


@dataclass(frozen=True, slots=True)
class Body:
    """The text of a function."""

    text: str

    def returned(self) -> list[str]:
        """The expressions it gives, as far as they stand on one line; [] of a generator."""
        if len(self.text) > _LONGEST or _YIELD.search(self.text):
            return []
        found = (each[1].strip() for each in _RETURN.finditer(self.text))
        return [each for each in dict.fromkeys(found) if each not in ("", "None", "NotImplemented")][:_MOST]

    def assigned(self, name: str) -> str | None:
        """The value that the local `name` is given first; "" where it is bound in another way, None where it
        is not bound."""
        word = re.escape(name)
        found = re.search(rf"^[ \t]+{word}[ \t]*(?::[^=\n]+)?=(?!=)[ \t]*([^\n]+)", self.text, re.MULTILINE)
        if found is not None:
            return found[1].strip()
        bound = re.search(
            rf"[(,*]\s*{word}\s*[,:)=]|\b(?:for|as)\b[^\n:]*\b{word}\b"
            rf"|^[ \t]+[\w., *()]*\b{word}\b[\w., *()]*=(?!=)",
            self.text,
            re.MULTILINE,
        )
        return "" if bound is not None else None
