"""Copies with renamed variables are found; look-alikes that do something else are not."""

from __future__ import annotations

from pathlib import Path

from devflow.analysis.checks.duplicates import Candidate, comparable, near_duplicates
from devflow.analysis.facts import Finding
from devflow.analysis.symbols import symbols
from devflow.analysis.syntax.parse import parse
from devflow.analysis.text import Text

ONE = '''
def load_users(path, limit):
    """Read the users."""
    rows = []
    with open(path) as handle:
        for line in handle:
            name, mail = line.strip().split(",")
            if len(rows) >= limit:
                break
            rows.append({"name": name, "mail": mail})
    return sorted(rows, key=lambda row: row["name"])
'''
COPY = """
def read_people(file, most):  # another name, other variables
    result = []
    with open(file) as source:
        for entry in source:
            who, address = entry.strip().split(",")
            if len(result) >= most:
                break
            result.append({"name": who, "mail": address})
    return sorted(result, key=lambda item: item["name"])
"""
OTHER = """
def load_orders(path, limit):
    rows = []
    with gzip.open(path) as handle:
        for line in handle:
            number, total = line.rstrip().partition(";")
            if total.isdecimal():
                continue
            rows.extend([number, int(total)])
    return max(rows, default=limit)
"""


def findings(
    source: str, *candidates: Candidate, path: str = "/w/a.py", language: str = "python"
) -> list[Finding]:
    text = Text(source)
    tree = parse(text, language)
    assert tree is not None
    functions = comparable(text, symbols(tree), Path(path))
    return near_duplicates(text, Path(path), functions, [list(candidates)] * len(functions))


def test_a_copy_in_the_same_file_is_found_at_the_later_one() -> None:
    [finding] = findings(ONE + COPY)
    text = ONE + COPY
    assert text[finding.start : finding.end] == "read_people"
    assert "100% the same as load_users()" in finding.message
    [(place, _)] = finding.related
    assert text[place.start : place.end] == "load_users"


def test_a_copy_in_another_file_names_the_file() -> None:
    twin = Candidate(Path("/w/lib/people.py"), 0, len(COPY), "read_people", COPY)
    [finding] = findings(ONE, twin)
    assert "read_people() in lib/people.py" in finding.message
    assert finding.related[0][0].path == Path("/w/lib/people.py")


def test_a_function_that_does_something_else_is_not() -> None:
    assert findings(ONE + OTHER) == []


def test_the_function_itself_in_the_index_is_not_its_twin() -> None:
    assert findings(ONE, Candidate(Path("/w/a.py"), 0, len(ONE), "load_users", ONE)) == []


def test_short_functions_are_not_compared() -> None:
    assert findings("def a(x):\n    return x + 1\n\ndef b(y):\n    return y + 1\n") == []


def test_functions_that_only_hand_on_their_arguments_are_not_compared() -> None:
    names = ", ".join(f"argument_{number}" for number in range(12))
    lines = "\n".join(f"        argument_{number}=argument_{number}," for number in range(12))
    body = f"({names}):\n    return request(\n{lines}\n    )\n\n"
    assert findings(f"def get{body}def put{body}") == []


def test_sync_and_async_twins_are_meant() -> None:
    awaited = COPY.replace("def ", "async def ").replace("with open", "async with open")
    assert findings(ONE + awaited) == []
    method = COPY.replace("\n", "\n    ").replace("read_people", "load")
    assert findings(f"class Client:{method}\nclass AsyncClient:{method}") == []


def test_tests_may_repeat_themselves() -> None:
    assert findings(ONE + COPY, path="/w/tests/test_users.py") == []
    twin = Candidate(Path("/w/tests/people.py"), 0, len(COPY), "read_people", COPY)
    assert findings(ONE, twin) == []


def test_copies_in_other_languages_are_found() -> None:
    code = """
function total(items: Item[], rate: number): number {
  let sum = 0;
  for (const item of items) {
    if (item.price > 0 && !item.hidden) {
      sum += item.price * item.count * (1 + rate);
    }
    log.debug("item", item.name, sum);
  }
  return Math.round(sum * 100) / 100;
}
"""
    copy = code.replace("total", "amount").replace("sum", "acc").replace("items", "list")
    [finding] = findings(code + copy, path="/w/a.ts", language="typescript")
    assert "amount() is 100% the same as total()" in finding.message
