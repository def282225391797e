"""What may go wrong while a request is answered, and the guard every request runs in."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lsprotocol.types import ErrorCodes, LSPErrorCodes

from devflow.models.errors import ModelError

T = TypeVar("T")
log = logging.getLogger(__name__)


class RequestFailed(Exception):
    """Becomes the error response of a request; the message is a sentence for the user."""

    def __init__(self, message: str, code: int = LSPErrorCodes.RequestFailed) -> None:
        super().__init__(message)
        self.message = message
        self.code = int(code)


class ContentModified(RequestFailed):
    """The document moved on while the answer was made."""

    def __init__(self) -> None:
        super().__init__("The document has changed; ask again.", LSPErrorCodes.ContentModified)


class InvalidParams(RequestFailed):
    """The request's parameters do not say what its method needs."""

    def __init__(self, message: str) -> None:
        super().__init__(message, ErrorCodes.InvalidParams)


async def guarded(
    method: str,
    work: Awaitable[T],
    *,
    empty: T,
    tell: Callable[[str], None],
    timed: Callable[[str, float], None],
) -> T:
    """Run one request's `work`.

    A model's failure is one sentence through `tell` and the `empty` answer; a bug is a traceback in
    the log and an InternalError; `timed` gets the method and the milliseconds it took.
    """
    started = time.perf_counter()
    try:
        return await work
    except RequestFailed:
        raise
    except ModelError as error:
        tell(str(error))
        return empty
    except Exception as error:
        log.exception("%s failed", method)
        raise RequestFailed(
            f"DevFlow failed on {method} ({type(error).__name__}); the server's log has the details.",
            ErrorCodes.InternalError,
        ) from error
    finally:
        timed(method, (time.perf_counter() - started) * 1e3)
