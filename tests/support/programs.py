"""Random small programs, to be run before and after a refactoring."""

from __future__ import annotations

import random
from typing import Any

NAMES = "abcd"


class Writer:
    """Writes functions `f(a, b)` over integers; they end, and they may fail."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def expression(self, depth: int = 0) -> str:
        pick = self.random.randrange(9 if depth < 2 else 3)
        name = self.random.choice(NAMES)
        below = lambda: self.expression(depth + 1)  # noqa: E731
        match pick:
            case 0 | 1:
                return name
            case 2:
                return str(self.random.randrange(5))
            case 3 | 4:
                return f"{below()} {self.random.choice('+-*')} {below()}"
            case 5:
                return f"g({below()})"
            case 6:
                return f"({below()} if {below()} else {below()})"
            case 7:
                return f"sum([i + {name} for i in range({below()} % 4)])"
            case _:
                return f"({below()}, {below()})[{self.random.randrange(2)}]"

    def statements(self, depth: int, looping: bool, count: int) -> list[str]:
        return [line for _ in range(count) for line in self.statement(depth, looping)]

    def statement(self, depth: int, looping: bool) -> list[str]:
        name = self.random.choice(NAMES)
        inside = lambda loop: [  # noqa: E731
            "    " + line for line in self.statements(depth + 1, loop, self.random.randrange(1, 4))
        ]
        match self.random.randrange(14 if depth < 2 else 8):
            case 0 | 1 | 2 | 3:
                return [f"{name} = {self.expression()}"]
            case 4:
                return [f"{name} += {self.expression()}"]
            case 5:
                return [f"out.append({self.expression()})"]
            case 6:
                if looping and self.random.random() < 0.5:
                    return [f"if {self.expression()}:", f"    {self.random.choice(['break', 'continue'])}"]
                return [f"{name}, {self.random.choice(NAMES)} = {self.expression()}, {self.expression()}"]
            case 7:
                return [f"if {self.expression()} > 90:", f"    return {self.expression()}"]
            case 8 | 9:
                return [f"if {self.expression()} % 2:", *inside(looping)]
            case 10:
                return [f"if {self.expression()} % 3:", *inside(looping), "else:", *inside(looping)]
            case 11:
                return [f"for {name} in range(3):", *inside(True)]
            case 12:
                return [f"with no_context() as {name}:", *inside(looping)]
            case _:
                return ["try:", *inside(looping), "except TypeError:", *inside(looping)]

    def program(self) -> str:
        body = self.statements(0, False, self.random.randrange(3, 8))
        lines = ["    " + line for line in [*body, f"return {self.expression()}"]]
        return "def f(a, b):\n" + "\n".join(lines) + "\n"


HEAD = """
import contextlib
out = []
def g(x):
    out.append(("g", x))
    return x % 7
@contextlib.contextmanager
def no_context():
    yield 5
"""


def outcome(source: str) -> list[Any]:
    """What `f` of a program does for some arguments: result or exception, and what it appended."""
    space: dict[str, Any] = {}
    exec(compile(HEAD + source, "program", "exec"), space)
    found = []
    for arguments in ((0, 1), (1, 2), (3, 5), (2, 0)):
        space["out"].clear()
        try:
            result: Any = space["f"](*arguments)
        except Exception as error:  # noqa: BLE001 - any failure is an outcome
            result = UnboundLocalError if isinstance(error, NameError) else type(error)
        found.append((result, list(space["out"])))
    return found
