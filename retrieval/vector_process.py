"""The vectors of one root in a process of their own, which can end: chromadb, once imported, holds 100 MiB
that nothing else gives back, and is needed for seconds at a time. A server that does not answer ends with it.

`VectorProcess` answers as `vectors.Vectors` does; `python -m devflow.retrieval.vector_process` is the
process. It ends when its stdin closes, so it outlives nobody, and the operating system frees the lock on
the directory with it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import selectors
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from devflow.models.base import Embedder
from devflow.retrieval.base import VectorOptions
from devflow.retrieval.embedders.choose import STATIC, EmbedderUnusable, load_embedder
from devflow.retrieval.vectors import VectorsUnavailable, open_vectors

log = logging.getLogger(__name__)

_OPENS_WITHIN, _ANSWERS_WITHIN, _WRITES_WITHIN = 60.0, 10.0, 300.0
"""Seconds. Models and damaged folders take long to open, transformers to embed."""


class VectorProcess:
    """Starts the process and opens `directory` in it; `store` names the store that the ids belong to.
    Everything blocks; may be used from several threads. Raises VectorsUnavailable, as `open_vectors`."""

    def __init__(
        self,
        directory: Path,
        store: str,
        options: VectorOptions = VectorOptions(),  # noqa: B008  # frozen
        within: float | None = None,
    ) -> None:
        self._turn = threading.Lock()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", options.process],
                # Not the workspace: Chroma, when it is imported, reads a `.env` in the working folder.
                cwd=directory.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise VectorsUnavailable(f"The vectors' process could not be started ({error}).") from error
        try:
            # Not on the command line, which everybody on the machine can read.
            opened = self._ask("open", str(directory), store, asdict(options), within=within or _OPENS_WITHIN)
        except BaseException:
            self._end()
            raise
        self.embedder = str(opened["embedder"])
        """Names what makes the vectors."""
        self.problem = str(opened["problem"])
        """One sentence when that is not what was configured."""

    def add(self, ids: Sequence[int], texts: Sequence[str], paths: Sequence[str] = ()) -> None:
        """Add or replace."""
        self._ask("add", list(ids), list(texts), list(paths), within=_WRITES_WITHIN)

    def delete(self, ids: Sequence[int]) -> None:
        """Unknown ids are no error."""
        self._ask("delete", list(ids), within=_WRITES_WITHIN)

    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """`(id, cosine similarity)`, best first."""
        return [(int(number), float(similarity)) for number, similarity in self._ask("nearest", query, limit)]

    def count(self) -> int:
        """Vectors there are."""
        return int(self._ask("count", within=_OPENS_WITHIN))

    def finish(self) -> None:
        """Every chunk has its vector."""
        self._ask("finish", within=_WRITES_WITHIN)

    def close(self) -> None:
        """Have what was written stored, and end the process."""
        try:
            with contextlib.suppress(VectorsUnavailable):
                self._ask("close", within=_OPENS_WITHIN)
        finally:
            self._end()

    def _ask(self, method: str, *arguments: Any, within: float = _ANSWERS_WITHIN) -> Any:
        with self._turn:
            assert self._process.stdin is not None
            try:
                _write(self._process.stdin, (method, arguments))
            except (OSError, ValueError) as error:
                raise VectorsUnavailable(f"The vectors' process has ended ({error}).") from error
            return self._answer(within)

    def _answer(self, within: float) -> Any:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._process.stdout, selectors.EVENT_READ)
            if not waiting.select(within):
                self._process.kill()  # it may hang for ever, in a server's answer or in Chroma
                raise VectorsUnavailable(
                    f"The vectors did not answer within {within:g} s; searching text and names only."
                )
        answer = _read(self._process.stdout)
        if answer is None:
            raise VectorsUnavailable("The vectors' process has ended; searching text and names only.")
        problem, value = answer
        if problem:
            raise VectorsUnavailable(problem)
        return value

    def _end(self) -> None:
        process = self._process
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):  # what could not be written
                    pipe.close()


def serve(load: Callable[[VectorOptions], Embedder]) -> None:
    """Open the vectors that the first line on stdin names, by the embedder that `load` makes, and answer
    until stdin closes. An embedder that cannot be used is told, and `devflow-static` used instead."""
    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints
    os.umask(0o077)
    # Before numpy is loaded: its threads wait for each other by spinning, beside somebody's editor.
    os.putenv("OPENBLAS_NUM_THREADS", "1")
    job = _read(jobs)
    if job is None:
        return
    directory, store, given = job[1]
    options = VectorOptions(**given)
    problem = options.problem
    try:
        try:
            embedder, choice = load(options), options.embedder
        except EmbedderUnusable as error:
            problem, choice = str(error), STATIC
            embedder = load_embedder(choice)
        vectors = open_vectors(
            Path(directory), store, embedder, choice=choice, options=options, load=load_embedder
        )
    except VectorsUnavailable as error:
        _write(answers, (str(error), None))
        return
    methods: dict[str, Callable[..., Any]] = {
        "add": vectors.add,
        "delete": vectors.delete,
        "nearest": vectors.nearest,
        "count": vectors.count,
        "finish": vectors.finish,
        "close": vectors.close,
    }
    _write(answers, ("", {"embedder": vectors.embedder, "problem": problem}))
    while (job := _read(jobs)) is not None:
        try:
            _write(answers, ("", methods[job[0]](*job[1])))
        except VectorsUnavailable as error:
            _write(answers, (str(error), None))
        except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError) as error:
            # A model of the user's own may meet a text it cannot take.
            log.exception("%s could not embed", vectors.embedder)
            _write(answers, (f"{vectors.embedder} failed ({error}); searching text and names only.", None))


def _write(pipe: IO[bytes], value: Any) -> None:
    pipe.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """The next value, None at the end."""
    line = pipe.readline()
    return json.loads(line) if line.endswith(b"\n") else None


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        serve(lambda options: load_embedder(options.embedder))
    os._exit(0)
