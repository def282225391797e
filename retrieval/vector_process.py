"""The vectors of one root in a process of their own, which can end: chromadb, once imported, holds 100 MiB
that nothing else gives back, and is needed for seconds at a time.

`VectorProcess` answers as `vectors.Vectors` does; `python -m devflow.retrieval.vector_process` is the
process. It ends when its stdin closes, so it outlives nobody, and the operating system frees the lock on
the directory with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from devflow.retrieval.vectors import VectorsUnavailable, open_vectors


class VectorProcess:
    """Starts the process and opens `directory` in it; `store` names the store that the ids belong to.
    Everything blocks; may be used from several threads. Raises VectorsUnavailable, as `open_vectors`."""

    def __init__(self, directory: Path, store: str) -> None:
        self._turn = threading.Lock()
        try:
            self._process = subprocess.Popen(
                # -P: the working folder is the workspace, and none of its modules may be imported.
                [sys.executable, "-P", "-m", "devflow.retrieval.vector_process", str(directory), store],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        except OSError as error:
            raise VectorsUnavailable(f"The vectors' process could not be started ({error}).") from error
        try:
            self.embedder = str(self._answer())
            """Names what made the vectors."""
        except BaseException:
            self._end()
            raise

    def add(self, ids: Sequence[int], texts: Sequence[str]) -> None:
        """Add or replace."""
        self._ask("add", list(ids), list(texts))

    def delete(self, ids: Sequence[int]) -> None:
        """Unknown ids are no error."""
        self._ask("delete", list(ids))

    def nearest(self, query: str, limit: int) -> list[tuple[int, float]]:
        """`(id, cosine similarity)`, best first."""
        return [(int(number), float(similarity)) for number, similarity in self._ask("nearest", query, limit)]

    def count(self) -> int:
        """Vectors there are."""
        return int(self._ask("count"))

    def close(self) -> None:
        """Have what was written stored, and end the process."""
        try:
            with contextlib.suppress(VectorsUnavailable):
                self._ask("close")
        finally:
            self._end()

    def _ask(self, method: str, *arguments: Any) -> Any:
        with self._turn:
            assert self._process.stdin is not None
            try:
                _write(self._process.stdin, (method, arguments))
            except (OSError, ValueError) as error:
                raise VectorsUnavailable(f"The vectors' process has ended ({error}).") from error
            return self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
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


def _write(pipe: IO[bytes], value: Any) -> None:
    pipe.write(json.dumps(value, separators=(",", ":")).encode() + b"\n")
    pipe.flush()


def _read(pipe: IO[bytes]) -> Any:
    """The next value, None at the end."""
    line = pipe.readline()
    return json.loads(line) if line.endswith(b"\n") else None


def main() -> None:
    """Open the vectors named on the command line and answer on stdin until it closes."""
    from devflow.retrieval.embedder import HashedEmbedder

    jobs, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints
    os.umask(0o077)
    try:
        vectors = open_vectors(Path(sys.argv[1]), sys.argv[2], HashedEmbedder())
    except VectorsUnavailable as error:
        _write(answers, (str(error), None))
        return
    methods: dict[str, Callable[..., Any]] = {
        "add": vectors.add,
        "delete": vectors.delete,
        "nearest": vectors.nearest,
        "count": vectors.count,
        "close": vectors.close,
    }
    _write(answers, ("", vectors.embedder))
    while (job := _read(jobs)) is not None:
        try:
            _write(answers, ("", methods[job[0]](*job[1])))
        except VectorsUnavailable as error:
            _write(answers, (str(error), None))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        main()
    os._exit(0)
