"""A language server that infers types (`ty server`), as a type engine: we are its client.

It is a program of its own in a process group of its own. It reads the workspace as data and is told of
every open document, unsaved text included (`mirror`). A question that it does not answer in time, or at
all, is answered with None: whoever asks turns to the other engine.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from devflow.analysis.facts import Location, SymbolKind
from devflow.analysis.python_environment import environment_folder
from devflow.analysis.text import Encoding, Text
from devflow.analysis.types.base import Candidate, Definition, Hint, Signature
from devflow.server.convert import path_of
from devflow.server.files import FileTexts
from devflow.server.workers import type_answers, type_programs
from devflow.server.workers.mirror import Message, Mirror
from devflow.server.workers.rpc import Program, Worker, WorkerError, WorkerGone

log = logging.getLogger(__name__)

DEADLINES = {
    "textDocument/completion": 3.0,
    "textDocument/definition": 2.0,
    "textDocument/hover": 2.0,
    "textDocument/signatureHelp": 2.0,
    "textDocument/typeDefinition": 2.0,
    "textDocument/inlayHint": 8.0,
    "textDocument/documentHighlight": 1.0,
    "textDocument/references": 15.0,
    "initialize": 10.0,
}
"""Seconds after which another engine is asked."""
HUNG_AFTER = 10.0
"""Seconds without any answer, while one is waited for, after which the process is replaced."""
_LARGE_ANSWER = 300
"""Items; more are turned into our values in a thread."""
_RESTART_SECONDS = 0.5
"""Longest wait of a question for a process that has died; the first start may take longer."""
_ENDS, _LEFT_ALONE, _LONGEST_ALONE = 2, 30.0, 600.0
"""After so many ends of the process, one behind the other, while it was asked about a document, the document
is left alone for so many seconds, with each further end twice as long: a sum of 20,000 terms is more than
ty's stack holds."""
_MOST_AHEAD = 8
"""Documents whose types are inferred when a server comes up."""
_VARIABLE = SymbolKind.VARIABLE
_DOTTED = re.compile(r"\w+(?:\.\w+)+")
_FAILED = object()
_ENCODINGS: dict[str, Encoding] = {"utf-8": "utf-8", "utf-16": "utf-16", "utf-32": "utf-32"}


class TypeServer:
    """One type server. Every question answers None when the server cannot say: absent, dead, late."""

    def __init__(
        self,
        name: str,
        program: Program,
        roots: Sequence[Path],
        own_packages: Path,
        *,
        deadlines: Mapping[str, float] | None = None,
        hung_after: float = HUNG_AFTER,
    ) -> None:
        self.name = name
        self._roots = list(roots)
        self._nowhere: tempfile.TemporaryDirectory[str] | None = None
        """An empty folder where there is no root: without one, the server reads all of the folder that the
        editor happened to be started in, often a home."""
        self._own_packages = own_packages
        """The environment whose packages are read where the workspace has none of its own."""
        self._deadlines = {**DEADLINES, **(deadlines or {})}
        self._hung_after = hung_after
        self._worker = Worker(
            name,
            "",
            program=program,
            requests={
                "workspace/configuration": self._configuration,
                "client/registerCapability": _nothing,
                "client/unregisterCapability": _nothing,
                "window/workDoneProgress/create": _nothing,
                "workspace/diagnostic/refresh": _nothing,
                "workspace/inlayHint/refresh": _nothing,
                "workspace/semanticTokens/refresh": _nothing,
            },
            on_restart=self._set_up,
            on_gone=self._gone,
        )
        self._mirror: Mirror | None = None
        """None until the server has been set up; a new process begins with an empty one."""
        self._ready = asyncio.Event()
        self._was_up = False
        self._starts = 0
        self._failure = ""
        self._documents: dict[Path, str] = {}
        """What the editor has open, newest text."""
        self._files = FileTexts()
        self._ahead: set[asyncio.Task[Any]] = set()
        self._asking: dict[Path, set[asyncio.Future[None]]] = {}
        """What ends when the questions that are under way about a document do."""
        self._ends: dict[Path, tuple[int, float]] = {}
        """How often in a row it ended while asked about a document, and when last (`time.monotonic()`)."""
        self._silent_since: float | None = None
        """When the first question was asked after the last answer."""

    # -- life ----------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether it can be asked now."""
        return self._mirror is not None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._worker.pid

    @property
    def history(self) -> str:
        """What has gone wrong since it was started, in one clause; "" when nothing has."""
        again = f"restarts: {self._starts - 1}" if self._starts > 1 else ""
        failed = f"last failure: {self._failure}" if self._failure else ""
        return ", ".join(part for part in (again, failed) if part)

    async def start(self) -> None:
        """Start it and tell it of the workspace. Raises WorkerGone when it cannot start, WorkerError and
        TimeoutError when it does not speak the protocol."""
        await self._worker.start()
        await self._set_up()

    async def close(self) -> None:
        """End it and what it started; who waits for it does so no longer."""
        self._gone()
        self._ready.set()
        for task in self._ahead:
            task.cancel()
        await asyncio.gather(*self._ahead, return_exceptions=True)
        await self._worker.close()
        if self._nowhere is not None:
            await asyncio.to_thread(self._nowhere.cleanup)

    def opened(self, path: Path, source: str) -> None:
        """The editor has opened `path`: its types are inferred before they are asked for."""
        self.changed(path, source)
        if self._mirror is not None:
            self._read_ahead(path)

    def changed(self, path: Path, source: str) -> None:
        """The editor's text of `path` is this from now on; told with the next question."""
        self._documents[path] = source

    def closed(self, path: Path) -> None:
        """The disk holds the truth about `path` again."""
        self._documents.pop(path, None)
        if self._mirror is not None:
            self._tell(self._mirror.close(path))

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files that may have been made, changed or deleted on the disk."""
        changes = [
            {"uri": path.as_uri(), "type": kind}
            for path in paths
            if path.is_absolute()
            for kind in ((1, 2) if path.exists() else (3,))
        ]
        if changes and self._mirror is not None:
            self._worker.notify("workspace/didChangeWatchedFiles", {"changes": changes})

    def _read_ahead(self, path: Path) -> None:
        """Have the types of a whole document inferred. The answer is of no use, what the server keeps is."""
        task = asyncio.create_task(self._infer(path), name="read ahead")
        self._ahead.add(task)
        task.add_done_callback(self._ahead.discard)

    async def _infer(self, path: Path) -> None:
        """Ask about a whole document behind every other question about it: its text may be an older one."""
        await self._quiet(path)
        source = self._documents.get(path)
        if source is not None:
            await self._ask("textDocument/inlayHint", path, source, 0, until=len(source), tries=1)

    async def _set_up(self) -> None:
        self._gone()
        roots = self._roots
        if not roots:
            if self._nowhere is None:
                self._nowhere = await asyncio.to_thread(tempfile.TemporaryDirectory, prefix="devflow-")
            roots = [Path(self._nowhere.name)]
        folders = [{"uri": root.as_uri(), "name": root.name} for root in roots]
        answer = await self._worker.request(
            "initialize",
            {
                "processId": os.getpid(),
                "clientInfo": {"name": "devflow"},
                "rootUri": folders[0]["uri"],
                "workspaceFolders": folders,
                "capabilities": type_programs.CAPABILITIES,
                "initializationOptions": {**type_programs.OPTIONS, "logLevel": "error"},
            },
            self._deadlines["initialize"],
        )
        capabilities = answer.get("capabilities") if isinstance(answer, dict) else None
        if not isinstance(capabilities, dict) or "completionProvider" not in capabilities:
            raise WorkerError(f"{self.name} does not answer as a type server does")
        encoding = _ENCODINGS.get(str(capabilities.get("positionEncoding")), "utf-16")
        self._worker.notify("initialized")
        self._mirror = Mirror(encoding)
        self._was_up = True
        self._starts += 1
        self._silent_since = None
        self._ready.set()
        for path in list(self._documents)[-_MOST_AHEAD:]:
            self._read_ahead(path)

    def _gone(self) -> None:
        self._mirror = None
        self._ready.clear()

    async def _configuration(self, params: dict[str, Any]) -> list[Any]:
        items = params.get("items")
        return [self._options(each) for each in items] if isinstance(items, list) else []

    def _options(self, item: Any) -> dict[str, Any]:
        scope = item.get("scopeUri") if isinstance(item, dict) else None
        root = path_of(scope) if isinstance(scope, str) else None
        root = root or (self._roots[0] if self._roots else None)
        packages = (environment_folder(root) if root is not None else None) or self._own_packages
        return {**type_programs.OPTIONS, "configuration": {"environment": {"python": str(packages)}}}

    def leaves_alone(self, path: Path) -> bool:
        """Whether questions about a document have ended it too often to ask another one now."""
        times, last = self._ends.get(path, (0, 0.0))
        rest = min(_LEFT_ALONE * 2 ** min(times - _ENDS, 10), _LONGEST_ALONE) if times >= _ENDS else 0.0
        return time.monotonic() - last < rest

    # -- questions -----------------------------------------------------------------------------------

    async def complete(self, path: Path, source: str, at: int) -> list[Candidate] | None:
        """Names that can stand at `at`, in the server's order."""
        answer = await self._ask("textDocument/completion", path, source, at)
        if answer is _FAILED:
            return None
        items = answer.get("items") if isinstance(answer, dict) else answer
        if isinstance(items, list) and len(items) > _LARGE_ANSWER:
            return await asyncio.to_thread(type_answers.candidates, answer, self.name)
        return type_answers.candidates(answer, self.name)

    async def define(self, path: Path, source: str, at: int) -> list[Definition] | None:
        """Definitions of the name at `at`; empty when the server does not know."""
        found, hovered = await asyncio.gather(
            self._ask("textDocument/definition", path, source, at),
            self._ask("textDocument/hover", path, source, at),
        )
        if found is _FAILED or hovered is _FAILED:
            return None
        text = Text(source)
        start, end = text.word_at(at)
        name = source[start:end]
        described = type_answers.described(hovered)
        where = await self._locations(found)
        if described is None:
            # Where it is made is known though its type is not.
            return [Definition(name, _VARIABLE, name, "", "", each, self.name) for each in where]
        signature, doc, kind = described
        if kind is _VARIABLE and not signature.startswith(name):
            signature = f"{name}: {signature}"
        places: list[Location | None] = [*where] or [None]
        return [Definition(name, kind, name, signature, doc, each, self.name) for each in places]

    async def type_definition(self, path: Path, source: str, at: int) -> list[Location] | None:
        """Where the class of the value at `at` is made."""
        return await self._places("textDocument/typeDefinition", path, source, at)

    async def references(self, path: Path, source: str, at: int) -> list[Location] | None:
        """Uses of the name at `at`, its definition included."""
        found = await self._places(
            "textDocument/references", path, source, at, {"context": {"includeDeclaration": True}}
        )
        return found and sorted(set(found), key=lambda place: (str(place.path), place.start))

    async def highlights(self, path: Path, source: str, at: int) -> list[Location] | None:
        """Uses of the name at `at` in `source` itself; [] also where the server gave no answer: it is asked
        again when the cursor moves on."""
        answer = await self._ask("textDocument/documentHighlight", path, source, at, tries=1)
        if answer is _FAILED or not isinstance(answer, list):
            return []
        here = [{**each, "uri": path.as_uri()} for each in answer if isinstance(each, dict)]
        return await self._locations(here)

    async def signatures(self, path: Path, source: str, at: int) -> list[Signature] | None:
        """Signatures of the call around `at`, the one that fits first."""
        name = type_answers.callee(source, at)
        behind = len(source[:at].rstrip())
        if source[at : at + 1].isidentifier() and source[behind - 1 : behind] in ("(", ","):
            # Behind the sign and before a space; else it tells of a call that begins at the cursor.
            source = source if behind < at else f"{source[:at]} {source[at:]}"
            at = behind
        answer = await self._ask("textDocument/signatureHelp", path, source, at)
        return None if answer is _FAILED else type_answers.signatures(answer, name)

    async def document(self, path: Path, source: str, at: int, name: str) -> str | None:
        """Signature and docstring of the completion `name` at `at`, Markdown."""
        text = Text(source)
        start = text.word_at(at)[0]
        end = max(at, text.word_at(at)[1])
        filled = source[:start] + name.rstrip("=") + source[end:]
        answer = await self._ask("textDocument/hover", path, filled, start)
        if answer is _FAILED:
            return None
        described = type_answers.described(answer)
        if described is None:
            return ""
        signature, doc, _ = described
        return f"```python\n{signature}\n```\n\n{doc}".strip()

    async def hints(self, path: Path, source: str, start: int, end: int) -> list[Hint] | None:
        """Inferred types of the names bound between `start` and `end` without an annotation."""
        answer = await self._ask("textDocument/inlayHint", path, source, start, until=end)
        if answer is _FAILED:
            return None
        mirror = self._mirror
        if mirror is None:
            return None
        text = Text(source)
        result = []
        for each in answer if isinstance(answer, list) else ():
            label, place = each.get("label"), each.get("position")
            if isinstance(label, list):
                label = "".join(str(part.get("value", "")) for part in label)
            if each.get("kind") == 1 and isinstance(label, str) and isinstance(place, dict):
                at = text.offset(int(place["line"]), int(place["character"]), mirror.encoding)
                result.append(Hint(at, label))
        return result

    # -- the wire ------------------------------------------------------------------------------------

    async def _ask(
        self,
        method: str,
        path: Path,
        source: str,
        at: int,
        more: Mapping[str, Any] | None = None,
        until: int | None = None,
        tries: int = 3,
    ) -> Any:
        """The server's answer about offset `at` of `source`; _FAILED when it gave none."""
        deadline = self._deadlines[method]
        if self.leaves_alone(path):
            return _FAILED
        try:
            async with asyncio.timeout(deadline):
                async with asyncio.timeout(_RESTART_SECONDS if self._was_up else None):
                    await self._ready.wait()
                for _ in range(tries):
                    answer = await self._once(method, path, source, at, more, until)
                    if answer is not _FAILED:
                        self._silent_since = None
                        return answer
                    await self._quiet(path)
            self._failure = f"it refused {method}"
        except (WorkerError, WorkerGone) as error:
            self._failure = f"it ended while asked for {method}"
            log.info("%s did not answer %s: %s", self.name, method, type(error).__name__)
        except TimeoutError:
            self._failure = f"more than {deadline:g} s for {method}"
            log.info("%s took more than %s s for %s", self.name, deadline, method)
            since = self._silent_since
            if since is not None and time.monotonic() - since > self._hung_after:
                self._replace()
        return _FAILED

    async def _once(
        self,
        method: str,
        path: Path,
        source: str,
        at: int,
        more: Mapping[str, Any] | None,
        until: int | None,
    ) -> Any:
        """The answer; _FAILED where another question brought another text while this one was under way:
        what is answered then, often nothing, may be about that one."""
        params = self._question(path, source, at, until)
        mirror = self._mirror
        version = mirror.version(path) if mirror is not None else 0
        if self._silent_since is None:
            self._silent_since = time.monotonic()
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asking.setdefault(path, set()).add(ended)
        try:
            answer = await self._worker.request(method, {**params, **(more or {})})
        except WorkerError as error:
            log.debug("%s did not answer %s at first: %s", self.name, method, type(error).__name__)
            return _FAILED
        except WorkerGone:
            if mirror is not None:  # else it was closed
                self._ends[path] = (self._ends.get(path, (0, 0.0))[0] + 1, time.monotonic())
            raise
        else:
            self._ends.pop(path, None)
        finally:
            ended.set_result(None)
            self._asking[path].discard(ended)
            if not self._asking[path]:
                del self._asking[path]
        same = mirror is not None and mirror is self._mirror and mirror.version(path) == version
        return answer if same else _FAILED

    async def _quiet(self, path: Path) -> None:
        """Until no question about `path` is under way."""
        while asking := self._asking.get(path):
            await asyncio.wait(asking)

    def _question(self, path: Path, source: str, at: int, until: int | None) -> dict[str, Any]:
        """Bring the mirror up to date, and the parameters of the question. Nothing is awaited between:
        the server sees the question right behind the text it is about."""
        mirror = self._mirror
        if mirror is None:
            raise WorkerGone(f"{self.name} is not up.")
        for other, text in self._documents.items():
            if other != path:
                self._tell(mirror.show(other, text))
        self._tell(mirror.show(path, source, guest=path not in self._documents))
        shown = mirror.text(path)
        assert shown is not None
        named = {"textDocument": {"uri": path.as_uri()}}
        if until is not None:
            return {**named, "range": mirror.range(shown, at, until)}
        return {**named, "position": mirror.position(shown, at)}

    def _tell(self, messages: Iterable[Message]) -> None:
        for method, params in messages:
            self._worker.notify(method, params)

    def _replace(self) -> None:
        """End a process that hangs; the worker's watch starts the next one."""
        log.warning("%s hangs and is replaced", self.name)
        self._gone()
        pid = self._worker.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)

    async def _places(
        self, method: str, path: Path, source: str, at: int, more: Mapping[str, Any] | None = None
    ) -> list[Location] | None:
        answer = await self._ask(method, path, source, at, more)
        return None if answer is _FAILED else await self._locations(answer)

    async def _locations(self, answer: Any) -> list[Location]:
        mirror = self._mirror
        if mirror is None:
            return []
        found = list(type_answers.places(answer))
        result: dict[Location, None] = {}
        for path, where in found:
            text = mirror.text(path) or await self._files.text_of(path)
            if text is None:
                continue
            try:
                start, end = (
                    text.offset(int(where[side]["line"]), int(where[side]["character"]), mirror.encoding)
                    for side in ("start", "end")
                )
            except (KeyError, TypeError, ValueError):
                continue
            end = max(start, end)
            if _DOTTED.fullmatch(
                text.source, start, end
            ):  # an attribute is told with its receiver: `self.size = 1`
                start = text.source.rindex(".", start, end) + 1
            result[Location(path, start, end)] = None
        return list(result)


async def _nothing(params: dict[str, Any]) -> None:
    return None
