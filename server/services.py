"""What a session needs from the processes behind it, and the factories that make them.

`app` passes the real ones; a test passes its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from devflow.analysis.types.base import TypeEngine
from devflow.models.base import ModelsConfig
from devflow.retrieval.base import IndexStatus
from devflow.server.settings import Python as PythonSettings
from devflow.server.settings import Settings

if TYPE_CHECKING:
    from devflow.analysis.usage import UsageModel
    from devflow.models.feedback import Feedback
    from devflow.models.router import Router
    from devflow.retrieval.index import Index


class PythonService(TypeEngine, Protocol):
    """The type engines of Python, with a life."""

    @property
    def engine(self) -> str:
        """Which engine answers now: `jedi` or `ty`."""
        ...

    @property
    def why(self) -> str:
        """One sentence on why it is that one."""
        ...

    async def start(self) -> None:
        """Bring the engine up; questions asked before are answered with nothing."""
        ...

    def set_roots(self, roots: Sequence[Path]) -> None:
        """Answer for these workspace folders from now on."""
        ...

    def opened(self, path: Path, source: str) -> None:
        """A document was opened: what it imports may be loaded."""
        ...

    def changed(self, path: Path, source: str) -> None:
        """The editor's text of `path` is this from now on."""
        ...

    def closed(self, path: Path) -> None:
        """The disk holds the truth about `path` again."""
        ...

    def files_changed(self, paths: Sequence[Path]) -> None:
        """Files were made, changed or deleted on the disk."""
        ...

    async def close(self) -> None:
        """End it; what waits is answered with nothing."""
        ...


class IndexService(Protocol):
    """The index worker and the reader of what it writes."""

    @property
    def reader(self) -> Index | None:
        """None until there is something to read."""
        ...

    async def start(self) -> None:
        """Start the worker; one that cannot start is told through `Host.tell`."""
        ...

    async def open(self, roots: Sequence[Path], settings: Settings) -> None:
        """Index exactly these roots from now on."""
        ...

    def update(self, paths: Sequence[Path]) -> None:
        """Files that may have changed on disk."""
        ...

    def document(self, path: Path, text: str) -> None:
        """The editor's unsaved text of `path`."""
        ...

    def release(self, path: Path) -> None:
        """The disk holds the truth about `path` again."""
        ...

    def usage_of(self, language: str, besides: Path | None = None) -> UsageModel | None:
        """The newest usage model without the file `besides`, None while there is none. For threads."""
        ...

    async def statuses(self) -> list[IndexStatus]:
        """One per root; none while the worker starts."""
        ...

    async def reindex(self) -> None:
        """Throw the index away and make it again."""
        ...

    async def close(self) -> None:
        """Stop the worker and close the stores."""
        ...


class Host(Protocol):
    """What the index service may do to the session."""

    def tell(self, sentence: str) -> None:
        """Show one sentence to the user."""
        ...

    def note(self, sentence: str) -> None:
        """Put one sentence into the editor's log."""
        ...

    def progress(self, name: str, done: int, total: int) -> None:
        """`done` of `total` files of the folder `name` are indexed."""
        ...

    def index_state(self, root: Path, state: str) -> None:
        """The index of `root` is in `state` now; see `IndexStatus.state`."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Factories; None where a session shall do without."""

    prepare: Callable[[], None] = lambda: None
    """Imports what `python` needs; called in a thread, once `initialize` has been answered."""
    prepare_index: Callable[[], None] = lambda: None
    """The same for `index`."""
    prepare_models: Callable[[], None] = lambda: None
    """The same for `models`, once the others are up: the first question is seldom about a model."""
    python: Callable[[Sequence[Path], PythonSettings], PythonService] | None = None
    index: Callable[[Host, bool], IndexService] | None = None
    """The second argument: follow the disk, for a client that does not tell of watched files."""
    models: Callable[[ModelsConfig, Callable[[str], None]], Router] | None = None
    """The second argument shows one sentence to the user; called on the event loop."""
    feedback: Callable[[], Feedback] | None = None
    """The store of what became of suggestions."""
