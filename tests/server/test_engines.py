"""Type engines behind one face: ty's answers as our values, and jedi's where ty does not answer."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from devflow.analysis.facts import SymbolKind
from devflow.analysis.syntax.parse import SyntaxTree, parse
from devflow.analysis.text import Text
from devflow.analysis.types.base import Candidate
from devflow.server.convert import path_of
from devflow.server.workers import type_answers, type_programs
from devflow.server.workers.engines import Engines, chosen
from devflow.server.workers.python import PythonWorker
from devflow.server.workers.rpc import Program, Worker
from devflow.server.workers.type_server import TypeServer
from support import broken_type_server, fixture
from support.patience import HANGS

needs_ty = pytest.mark.skipif(type_programs.find({})[0] is None, reason="ty is not installed (extra `fast`)")
PATIENT = dict.fromkeys(("complete", "define", "signatures", "document"), HANGS)
LONG = dict.fromkeys(
    ("textDocument/completion", "textDocument/definition", "textDocument/hover", "initialize"), HANGS
)


TESTS = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{TESTS}{os.pathsep}{TESTS.parent / 'src'}")


def ty(root: Path, environment: dict[str, str] | None = None) -> TypeServer:
    program, why = type_programs.find(environment if environment is not None else {"HOME": str(root)})
    assert program is not None, why
    return TypeServer("ty", program, [root], Path(sys.prefix), deadlines=LONG)


def broken(root: Path, *fault: str, hung_after: float = 10.0, deadline: float = 0.3) -> TypeServer:
    program = Program((sys.executable, "-P", broken_type_server.__file__, *fault), dict(os.environ))
    deadlines = {"textDocument/completion": deadline, "initialize": HANGS}
    return TypeServer("broken", program, [root], root, deadlines=deadlines, hung_after=hung_after)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[TypeServer]:
    made = ty(tmp_path)
    await made.start()
    yield made
    await made.close()


CODE = '''
class Base:
    def old(self) -> int:
        """Old one."""
        return 1

class Kid(Base):
    size: int = 3
    def old(self): return 2
    def send(self, body: str, /, to, *, times: int = 1, **more) -> list[str]:
        """Send it."""
        return [body]

kid = Kid()
'''


async def names(server: TypeServer, path: Path, marked: str) -> list[str]:
    case = fixture.parse(marked)
    found = await server.complete(path, case.text(), case.cursor[1])
    assert found is not None
    return [each.name for each in found]


# -- ty ------------------------------------------------------------------------------------------------


@needs_ty
async def test_ty_answers_in_our_values(server: TypeServer, tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    source = f"{CODE}kid.send('', 1, )\nkid.\n"
    server.changed(path, source)
    found = await server.complete(path, source, len(source) - 1)
    assert found is not None
    send = next(each for each in found if each.name == "send")
    assert send.kind is SymbolKind.METHOD
    assert send.owner == "Kid"
    assert send.engine == "ty"
    assert send.detail == "(body: str, /, to, *, times: int = 1, **more) -> list[str]"
    assert next(each for each in found if each.name == "size").kind is SymbolKind.FIELD
    [made] = await server.define(path, source, source.rindex("send") + 1) or []
    assert (made.name, made.kind, made.engine) == ("send", SymbolKind.METHOD, "ty")
    assert made.signature.startswith("def send(")
    assert made.doc == "Send it."
    assert made.location is not None
    assert source[made.location.start : made.location.end] == "send"
    assert made.location.start < source.index("kid =")
    [signature] = await server.signatures(path, source, source.index(", )") + 2) or []
    assert [(each.name, each.kind, each.has_default) for each in signature.parameters] == [
        ("body", "positional-only", False),
        ("to", "positional-or-keyword", False),
        ("times", "keyword-only", True),
        ("more", "var-keyword", False),
    ]
    assert "Send it." in (await server.document(path, source, len(source) - 1, "send") or "")
    [place] = await server.type_definition(path, source, source.rindex("kid.send")) or []
    assert source[place.start : place.end] == "Kid"
    places = await server.references(path, source, source.index("send")) or []
    assert len(places) == 2


@needs_ty
async def test_the_first_question_right_after_opening_is_answered(server: TypeServer, tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    for name in ("sort", "append", "clear"):
        whole = f"import os\nitems = [1]\nitems.{name}()\n" + "value = os.sep\n" * 300
        server.opened(path, whole)  # its types are inferred from now on
        at = whole.index(name)
        found = await server.complete(path, whole[:at] + whole[at + len(name) :], at)
        assert name in [each.name for each in found or ()]


@needs_ty
async def test_questions_about_two_texts_of_a_document_at_once_are_both_answered(
    server: TypeServer, tmp_path: Path
) -> None:
    path = tmp_path / "main.py"
    texts = [f"x{number} = 'a'\n" * 50 + f"x{number}." for number in range(6)]
    found = await asyncio.gather(*(server.complete(path, text, len(text)) for text in texts))
    assert all("upper" in [each.name for each in answer or ()] for answer in found)


@needs_ty
async def test_ty_sees_unsaved_text_of_other_documents(server: TypeServer, tmp_path: Path) -> None:
    other, main = tmp_path / "other.py", tmp_path / "main.py"
    other.write_text("class Thing:\n    def saved(self): ...\n")
    server.changed(other, "class Thing:\n    def unsaved(self): ...\n")
    source = "from other import Thing\nThing().<|>\n"
    assert "unsaved" in await names(server, main, source)
    server.closed(other)
    assert "saved" in await names(server, main, source)


@needs_ty
async def test_ty_is_told_of_files_that_change_on_the_disk(server: TypeServer, tmp_path: Path) -> None:
    source = "from made import Thing\nThing().<|>\n"
    await names(server, tmp_path / "main.py", source)
    made = tmp_path / "made.py"
    made.write_text("class Thing:\n    def one(self): ...\n")
    server.files_changed([made])
    assert "one" in await names(server, tmp_path / "main.py", source)
    made.write_text("class Thing:\n    def two_more(self): ...\n")
    server.files_changed([made])
    assert "two_more" in await names(server, tmp_path / "main.py", source)


@needs_ty
async def test_places_behind_characters_of_several_units_are_right(
    server: TypeServer, tmp_path: Path
) -> None:
    path = tmp_path / "main.py"
    source = 'x = "𝒳é"; naïve = 1; y = "𝒳"; naïve\n'
    [made] = await server.define(path, source, source.rindex("naïve") + 2) or []
    assert made.location is not None
    assert (made.location.start, made.location.end) == (source.index("naïve"), source.index("naïve") + 5)


@needs_ty
async def test_inferred_types_are_told_behind_their_names(server: TypeServer, tmp_path: Path) -> None:
    source = "words = [len(w) for w in 'ab']\nnumber: int = 3\n"
    [hint] = await server.hints(tmp_path / "main.py", source, 0, len(source)) or []
    assert (hint.at, hint.label) == (5, ": list[int]")


@needs_ty
async def test_what_ty_does_not_know_is_empty(server: TypeServer, tmp_path: Path) -> None:
    source = "def f(thing):\n    thing.x\n"
    assert await server.complete(tmp_path / "main.py", source, source.index(".x") + 1) == []
    assert await server.define(tmp_path / "main.py", source, source.index(".x") + 1) == []


@needs_ty
async def test_an_attribute_is_where_its_name_stands_not_its_receiver(
    server: TypeServer, tmp_path: Path
) -> None:
    source = (
        "class A:\n    def __init__(self):\n        self.size = 1\n\ndef f(one: A):\n    return one.size\n"
    )
    at = source.rindex("size")
    made = source.index("size")
    defined = await server.define(tmp_path / "a.py", source, at)
    assert [(each.location.start, each.location.end) for each in defined or () if each.location] == [
        (made, made + 4)
    ]
    marked = await server.highlights(tmp_path / "a.py", source, at)
    assert [each.start for each in marked or ()] == [made, at]


@needs_ty
async def test_a_call_that_begins_at_the_cursor_is_not_the_one_around_it(
    server: TypeServer, tmp_path: Path
) -> None:
    source = "def outer(first, second): ...\ndef inner(only): ...\nouter(1, inner(2))\n"
    told = await server.signatures(tmp_path / "a.py", source, source.index("inner(2"))
    assert [(each.label[:21], each.active) for each in told or ()] == [("outer(first, second) ", 1)]


def test_a_generic_function_s_signature_has_its_name() -> None:
    answer = {"signatures": [{"label": "[T](x: T) -> T", "parameters": [{"label": "x: T"}]}]}
    [told] = type_answers.signatures(answer, "wait")
    assert told.label == "wait[T](x: T) -> T"


def test_a_signature_that_nobody_knows_is_none() -> None:
    assert type_answers.signatures({"signatures": [{"label": "(...) -> Unknown"}]}, "sign") == []


@needs_ty
async def test_the_packages_of_the_workspace_s_environment_are_read(tmp_path: Path) -> None:
    packages = tmp_path / ".venv" / "lib" / "python3.11" / "site-packages"
    packages.mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.11.2\n")
    (packages / "installed.py").write_text("def only_there(): ...\n")
    server = ty(tmp_path)
    await server.start()
    try:
        assert "only_there" in await names(server, tmp_path / "m.py", "import installed\ninstalled.<|>\n")
    finally:
        await server.close()


@needs_ty
async def test_nothing_of_the_workspace_is_run(tmp_path: Path) -> None:
    """Interpreters, tools and settings that come with a repository are data."""
    told = tmp_path / "ran"
    folders = [tmp_path, tmp_path / "bin", tmp_path / ".venv" / "bin"]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("python", "python3", "ty", "uv", "git"):
            (folder / name).write_text(f"#!/bin/sh\necho {name} >> {told}\n")
            (folder / name).chmod(0o755)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
    (tmp_path / "pyproject.toml").write_text(
        '[tool.ty.environment]\npython = "./bin/python"\n[tool.uv]\npackage = true\n'
    )
    source = "# /// script\n# dependencies = ['requests']\n# ///\nimport requests\n[].<|>\n"
    path = os.pathsep.join(map(str, [*folders, os.environ.get("PATH", "")]))
    server = ty(tmp_path, {"HOME": str(tmp_path), "PATH": path, "VIRTUAL_ENV": str(tmp_path / ".venv")})
    await server.start()
    try:
        assert "append" in await names(server, tmp_path / "main.py", source)
    finally:
        await server.close()
    assert not told.exists()


@needs_ty
async def test_a_killed_server_comes_back_with_every_open_document(tmp_path: Path) -> None:
    engines = Engines([tmp_path], lambda roots: ty(tmp_path), "")
    other, main = tmp_path / "other.py", tmp_path / "main.py"
    other.write_text("")
    source = "from other import Thing\nThing().\n"
    at = source.rindex(".") + 1
    await engines.start()
    try:
        engines.opened(other, "class Thing:\n    def unsaved(self): ...\n")
        first = await engines.complete(main, source, at)
        assert [(each.name, each.engine) for each in first][:1] == [("unsaved", "ty")]
        assert engines.engine == "ty"
        fast = engines._fast
        assert fast is not None
        pid = fast.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        again = await engines.complete(main, source, at)
        assert [each.engine for each in again if each.name == "unsaved"] in (["ty"], [])
        async with asyncio.timeout(HANGS):
            found = None
            while found is None:
                found = await fast.complete(main, source, at)
        assert "unsaved" in [each.name for each in found]
        assert fast.pid != pid
        assert "restarts: 1" in engines.why
    finally:
        await engines.close()


@needs_ty
async def test_nothing_of_it_is_left_when_it_is_closed(tmp_path: Path) -> None:
    server = ty(tmp_path)
    await server.start()
    pid = server.pid
    assert pid is not None
    await server.close()
    assert not psutil.pid_exists(pid)


@needs_ty
async def test_a_cancelled_question_is_cancelled_there(tmp_path: Path) -> None:
    server = broken(tmp_path, "hangs", deadline=HANGS)
    await server.start()
    sent: list[str] = []
    protocol = server._worker._protocol
    assert protocol is not None
    notify = protocol.notify
    protocol.notify = lambda method, params: (sent.append(method), notify(method, params))[1]  # type: ignore[method-assign]
    try:
        question = asyncio.create_task(server.complete(tmp_path / "a.py", "x.", 2))
        while not server._asking:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0)
        question.cancel()
        await asyncio.gather(question, return_exceptions=True)
        assert "$/cancelRequest" in sent
    finally:
        await server.close()


# -- faults --------------------------------------------------------------------------------------------


async def answer_of(root: Path, make: Callable[[], TypeServer]) -> tuple[list[str], Engines]:
    def jedi(roots: Sequence[Path]) -> PythonWorker:
        return PythonWorker(roots, deadlines=PATIENT, module="support.slow_python_worker")

    engines = Engines([root], lambda roots: make(), "", jedi=jedi)
    await engines.start()
    try:
        found = await engines.complete(root / "main.py", "sleep 0", 6)
        return [f"{each.name} {each.engine}" for each in found], engines
    finally:
        await engines.close()


@pytest.mark.parametrize("fault", [("hangs",), ("late", "3"), ("garbage",), ("refuses",), ("ends",)])
async def test_jedi_answers_for_a_server_that(fault: tuple[str, ...], tmp_path: Path) -> None:
    found, _ = await answer_of(tmp_path, lambda: broken(tmp_path, *fault))
    assert found == ["sleep 0 jedi"]


async def test_jedi_answers_where_the_program_is_not_there(tmp_path: Path) -> None:
    gone = Program((str(tmp_path / "no such program"),), {})
    found, engines = await answer_of(
        tmp_path, lambda: TypeServer("ty", gone, [tmp_path], tmp_path, deadlines=LONG)
    )
    assert found == ["sleep 0 jedi"]
    assert engines.engine == "jedi"
    assert "ty did not start" in engines.why


async def test_without_a_folder_the_folder_the_editor_was_started_in_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, Any]] = []
    ask = Worker.request

    async def request(self: Worker, method: str, params: Any = None, timeout: float | None = None) -> Any:
        if method == "initialize":
            told.append(params)
        return await ask(self, method, params, timeout)

    monkeypatch.setattr(Worker, "request", request)
    program = Program((sys.executable, "-P", broken_type_server.__file__, "shapes"), dict(os.environ))
    server = TypeServer("broken", program, [], tmp_path, deadlines=LONG)
    await server.start()
    root = path_of(told[0]["rootUri"])
    assert root is not None
    assert list(root.iterdir()) == []
    assert [path_of(folder["uri"]) for folder in told[0]["workspaceFolders"]] == [root]
    await server.close()
    assert not root.exists()


async def test_an_answer_of_the_wrong_shape_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    server = broken(tmp_path, "shapes", deadline=HANGS)
    await server.start()
    try:
        assert await names(server, tmp_path / "a.py", "x.<|>") == ["ok"]
        assert await server.references(tmp_path / "a.py", "x", 0) == []
        assert await server.signatures(tmp_path / "a.py", "x(", 2) == []
    finally:
        await server.close()


async def test_a_server_that_hangs_is_replaced(tmp_path: Path) -> None:
    server = broken(tmp_path, "hangs", deadline=0.05, hung_after=0.01)
    await server.start()
    first = server.pid
    try:
        async with asyncio.timeout(HANGS):
            while server.pid in (first, None):
                assert await server.complete(tmp_path / "a.py", "x.", 2) is None
    finally:
        await server.close()


# -- the choice ----------------------------------------------------------------------------------------


async def test_the_setting_jedi_starts_nothing_else(tmp_path: Path) -> None:
    engines = chosen([tmp_path], "jedi", {})
    assert engines.engine == "jedi"
    assert "setting" in engines.why
    await engines.close()


def test_ty_is_found_beside_the_interpreter_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ty").write_text("#!/bin/sh\n")
    (tmp_path / "ty").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0.104")
    program, _ = type_programs.find({"PATH": str(tmp_path)}, scripts=tmp_path / "elsewhere")
    assert program is None


@pytest.mark.parametrize("version", ["0.0.9", "0.1.0", "2.0", "no version"])
def test_another_version_is_not_used(version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    program, why = type_programs.find({})
    assert program is None
    assert version in why


def test_the_program_sees_no_keys_and_no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "ty").write_text("")
    (tmp_path / "ty").chmod(0o755)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0.104")
    given = {"HOME": "/h", "PATH": "/bin", "OPENAI_API_KEY": "k", "VIRTUAL_ENV": "/v", "PYTHONPATH": "/p"}
    program, why = type_programs.find(given, scripts=tmp_path)
    assert program is not None, why
    assert {name for name, value in program.environment.items() if value in given.values()} == {"HOME"}
    assert program.environment["PATH"] == ""


@pytest.mark.parametrize(
    ("hovered", "signature"),
    [
        ("(parameter) retry: bool = False", "retry: bool = False"),
        ("Literal[True] (Final)", "Literal[True]"),
        ("Self@failed (invariant)", "Self@failed"),
        ("tuple[()]", "tuple[()]"),
        ("<module 'tomllib'> | Unknown", "module tomllib | Unknown"),
    ],
)
def test_a_type_is_told_without_what_the_server_remarks_on_it(hovered: str, signature: str) -> None:
    told = type_answers.described({"contents": {"kind": "plaintext", "value": hovered}})
    assert told == (signature, "", SymbolKind.VARIABLE)


async def test_jedi_is_not_asked_about_what_is_too_deep_for_it(tmp_path: Path) -> None:
    class Jedi:
        async def start(self) -> None: ...

        async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
            return [Candidate("asked", SymbolKind.VARIABLE)]

    engines = Engines([tmp_path], None, "", jedi=lambda roots: cast(Any, Jedi()))
    assert await engines.complete(tmp_path / "a.py", " + ".join(["x"] * 20_000), 1) == []
    assert await engines.complete(tmp_path / "a.py", "x = 1\n" * 20_000, 1) != []


async def test_typing_does_not_have_the_whole_text_looked_at_for_jedi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Jedi:
        async def start(self) -> None: ...

        async def complete(self, path: Path | None, source: str, at: int) -> list[Candidate]:
            return [Candidate("asked", SymbolKind.VARIABLE)]

    parsed: list[Text] = []

    def counted(text: Text, language: str) -> SyntaxTree | None:
        parsed.append(text)
        return parse(text, language)

    monkeypatch.setattr("devflow.server.workers.engines.parse", counted)
    engines = Engines([tmp_path], None, "", jedi=lambda roots: cast(Any, Jedi()))
    before, behind = "x = 1\n" * 1_000, "y = 2\n" * 1_000
    for typed in ("", "v", "va", "value", "value = (", "value = (1", "value = (1)\n"):
        assert await engines.complete(tmp_path / "a.py", before + typed + behind, 1) != []
    assert len(parsed) == 1
    assert await engines.complete(tmp_path / "a.py", before + " + ".join(["x"] * 20_000) + behind, 1) == []
    assert len(parsed) == 2


async def test_a_document_that_ends_the_server_is_left_alone_and_the_others_are_not(tmp_path: Path) -> None:
    server = broken(tmp_path, "falls", deadline=HANGS)
    await server.start()
    try:
        deep, other = tmp_path / "deep.py", tmp_path / "other.py"
        for _ in range(6):
            assert await server.complete(deep, "x", 1) is None
        assert server.leaves_alone(deep)
        server.opened(deep, "x")
        assert await server.complete(other, "x", 1) == []
        assert server.history.startswith("restarts: 2,")
        assert not server.leaves_alone(other)
    finally:
        await server.close()
