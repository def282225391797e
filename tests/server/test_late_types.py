"""LSP's types as the server imports them are LSP's types."""

from __future__ import annotations

import json
import subprocess
import sys

import attrs
from lsprotocol import types

_SHAPES = """
import attrs, json, sys
from devflow.server.late_types import import_types, is_finished
import_types()
from lsprotocol import types
from lsprotocol.converters import get_converter
kinds = {name: kind for name, kind in vars(types).items() if isinstance(kind, type)}
late = [name for name, kind in kinds.items() if "__attrs_attrs__" in vars(kind)]
converter = get_converter()
position = converter.structure({"line": 1, "character": 2}, types.Position)
assert position == types.Position(1, 2) and position < types.Position(1, 3), position
assert converter.unstructure(types.Range(position, position))["end"] == {"line": 1, "character": 2}
try:
    types.Position(-1, 0)
except ValueError:
    pass
else:
    raise AssertionError("a negative line was taken")
finished = sum(is_finished(kinds[name]) for name in late)
shapes = {name: [(a.name, repr(a.default)) for a in attrs.fields(kinds[name])] for name in late}
json.dump([finished, shapes], sys.stdout)
"""


def test_late_classes_have_the_fields_of_ordinary_ones_and_few_are_made_at_the_start() -> None:
    out = subprocess.run([sys.executable, "-c", _SHAPES], capture_output=True, check=True).stdout
    finished, shapes = json.loads(out)
    ordinary = {
        name: [[each.name, repr(each.default)] for each in attrs.fields(kind)]
        for name, kind in vars(types).items()
        if isinstance(kind, type) and attrs.has(kind)
    }
    assert shapes == ordinary
    assert finished < 60 < len(ordinary)


_TOGETHER = """
import sys, threading
from devflow.server.late_types import import_types
import_types()
from lsprotocol import types
from lsprotocol.converters import get_converter
sys.setswitchinterval(1e-6)
converter, failed = get_converter(), []
def use():
    go.wait()
    try:
        lens = types.CodeLens(types.Range(types.Position(0, 1), types.Position(0, 2)))
        assert converter.unstructure(lens)["range"]["end"] == {"line": 0, "character": 2}
    except Exception as error:
        failed.append(repr(error))
go = threading.Event()
threads = [threading.Thread(target=use) for _ in range(12)]
for each in threads:
    each.start()
go.set()
for each in threads:
    each.join()
print(*failed)
"""


def test_a_class_can_be_used_by_many_threads_for_the_first_time_at_once() -> None:
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", _TOGETHER], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ""
