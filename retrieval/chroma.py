"""How Chroma is reached: a folder that this process owns, or a server.

Exactly one process may have a Chroma folder open: a second one can hang for minutes
(chroma-core/chroma#7040). So a lock file is taken first, and who does not get it has no vectors. A server
takes any number of clients.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import logging
import os
import platform
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from devflow.retrieval.base import VectorOptions

log = logging.getLogger(__name__)

_FREE_SHARE = 10
"""Chroma's database is written anew, at the end, when more than one page in so many is free: 50 ms for the
10 MiB of a million lines."""
_SERVER_ANSWERS_WITHIN = 2.0
"""Seconds in which a server is reached: a question waits for it. Three requests, one behind the other: 20 ms
on this machine, 0.6 s around half the world."""


INSTEAD = "searching text and names only."
"""How the sentence ends that says why there are no vectors."""


class VectorsUnavailable(Exception):
    """There are no vectors; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Chroma:
    """An open Chroma. `prefix` begins the name of every collection of this index."""

    client: Any  # chromadb is not typed and is imported late
    prefix: str
    place: str
    """How messages name it."""
    close: Callable[[], None]


def connect(directory: Path, options: VectorOptions) -> Chroma:
    """The server that is configured, else the folder `directory`, made again when it is damaged. Raises
    VectorsUnavailable when another process owns it, or chromadb is missing, or nothing can be written, or the
    server does not answer."""
    return _server(directory, options) if options.chroma_url else _folder(directory)


def _server(directory: Path, options: VectorOptions) -> Chroma:
    try:
        address = urlsplit(options.chroma_url)
        scheme, host, port = address.scheme, address.hostname or "", address.port
    except ValueError:
        scheme, host, port = "", "", None
    if not host or scheme not in ("http", "https"):
        raise VectorsUnavailable(
            "retrieval.chroma.url is no address (it begins with http:// or https://); "
            "searching text and names only."
        )
    place = f"The Chroma server at {host}"
    with explained(place, "reached"):
        import chromadb

        # Its client would take the proxies of the environment, for a server on this machine too: what is
        # sent goes where the settings say and nowhere else.
        os.environ["no_proxy"] = "*"
        secure = scheme == "https"
        client = _within(
            _SERVER_ANSWERS_WITHIN,
            lambda: chromadb.HttpClient(
                host=host,
                port=port or (443 if secure else 8000),
                ssl=secure,
                headers={"x-chroma-token": options.token} if options.token else None,
                settings=_settings(),
                tenant=options.tenant,
                database=options.database,
            ),
        )
    # Colleagues share a server: the same path on two machines is two indexes.
    owner = f"{platform.node()}\0{getpass.getuser()}\0{directory.resolve()}"
    prefix = f"devflow-{hashlib.blake2b(owner.encode(), digest_size=8).hexdigest()}-"

    def close() -> None:
        client.close()
        # Chroma leaves the connections of both open, and another version of it may name them otherwise.
        with contextlib.suppress(AttributeError):
            for each in (client, client._admin_client):
                each._server._session.close()

    return Chroma(client, prefix, place, close)


def _within(seconds: float, make: Callable[[], Any]) -> Any:
    """What `make` returns or raises; TimeoutError when it takes longer. Chroma's client waits for ever for a
    server that hangs, and nothing tells it not to: the thread that waits is left behind."""
    made: Queue[tuple[Any, BaseException | None]] = Queue()

    def run() -> None:
        try:
            made.put((make(), None))
        except Exception as error:  # noqa: BLE001  # raised again by who waits
            made.put((None, error))

    threading.Thread(target=run, daemon=True).start()
    try:
        value, error = made.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return value


def _folder(directory: Path) -> Chroma:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Opened in one thread, closed in another.
        lock = FileLock(directory.parent / f"{directory.name}.lock", mode=0o600, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise VectorsUnavailable(
            f"The vectors in {directory} are in use by another process; searching text and names only."
        ) from None
    except OSError as error:
        raise VectorsUnavailable(
            f"The vectors' folder {directory} cannot be written ({error.strerror}); "
            "searching text and names only."
        ) from error
    try:
        client = _in_folder(directory)
    except BaseException:
        lock.release()
        raise

    def close() -> None:
        try:
            client.close()
            _compact(directory)
        finally:
            lock.release()

    return Chroma(client, "chunks-", f"The vectors in {directory}", close)


def _in_folder(directory: Path) -> Any:
    with explained(f"The vectors in {directory}", "opened"):
        existing = sorted(path for path in directory.iterdir() if path.is_dir())
        try:
            return _persistent(existing[-1] if existing else _fresh(directory))
        except ImportError as error:
            raise VectorsUnavailable(
                f"chromadb cannot be imported ({error}); searching text and names only."
            ) from error
        except Exception as error:  # noqa: BLE001  # chromadb documents none of what it raises
            log.warning("the vectors in %s are damaged (%s); they are made again", directory, error)
            for path in existing:
                shutil.rmtree(path, ignore_errors=True)
            return _persistent(_fresh(directory))


def _compact(directory: Path) -> None:
    """Give the pages back that Chroma's log of vectors has left free: it clears the log and keeps them."""
    for database in directory.glob("*/chroma.sqlite3"):
        try:
            with closing(sqlite3.connect(database)) as db:
                [(free,)] = db.execute("PRAGMA freelist_count").fetchall()
                [(pages,)] = db.execute("PRAGMA page_count").fetchall()
                if free * _FREE_SHARE > pages:
                    db.execute("VACUUM")
        except sqlite3.Error as error:
            log.info("the vectors' database keeps its free pages: %s", error)


def _persistent(folder: Path) -> Any:
    import chromadb

    client: Any = chromadb.PersistentClient(folder, _settings())
    try:
        for collection in client.list_collections():
            collection.count()  # reads it: damage shows now
    except BaseException:
        with suppress(Exception):
            client.close()
        raise
    return client


def _settings() -> Any:
    """Chroma's settings as this program makes them. By itself Chroma reads them from the environment and from
    a `.env` in the working folder, where whoever wrote the workspace could name a server for everything."""
    from chromadb.config import Settings

    class Given(Settings):  # type: ignore[misc]  # chromadb is not followed by mypy
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: Any, init_settings: Any, *others: Any, **named: Any
        ) -> tuple[Any, ...]:
            return (init_settings,)

    return Given(anonymized_telemetry=False)


def _fresh(directory: Path) -> Path:
    """A folder of a new name: chromadb remembers per path, for the life of the process, what it opened
    there, even when that failed."""
    folder = directory / f"{time.time_ns():020d}"
    folder.mkdir(mode=0o700)
    return folder


class explained:  # noqa: N801  # reads as a word
    """Turns whatever chromadb raises (it documents little) into VectorsUnavailable."""

    def __init__(self, place: str, doing: str) -> None:
        self._place = place
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, VectorsUnavailable):
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise VectorsUnavailable(
                f"{self._place} could not be {self._doing} ({reason}); {INSTEAD}"
            ) from error
