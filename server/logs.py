"""What goes to stderr: a line for each record, with the request it is about, and never document text.

Where a request is taken, `about` is set; tasks and threads that are started for it carry it on, and workers
are told it with what they are asked.
"""

from __future__ import annotations

import json
import logging
import os
import time
from contextvars import ContextVar
from typing import Literal, TextIO, cast

Format = Literal["text", "json"]
Request = tuple[int | str, str]
"""An id as the editor gave it, and the method."""

about: ContextVar[Request | None] = ContextVar("about", default=None)
"""The request that is being answered."""

_FORMAT = "DEVFLOW_LOG_FORMAT"
"""Tells processes that this one starts."""
_LONGEST_ID = 80


class _Text(logging.Formatter):
    """`INFO devflow.models.outbound [7 devflow.explain]: c-1f… goes to …`."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s%(about)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        request = about.get()
        record.about = f" [{_shown(request[0])} {request[1]}]" if request is not None else ""
        return super().format(record)


class _Json(logging.Formatter):
    """A JSON object a line; `request` and `method` where there is one, `exception` where one is logged."""

    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, object] = {
            "time": f"{moment}.{int(record.msecs):03}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if (request := about.get()) is not None:
            line |= {"request": request[0], "method": request[1]}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def begin(form: str = "", stream: TextIO | None = None) -> logging.Handler:
    """Log warnings and worse, to stderr from now on; once in a process. `form`: as `write_as`, as the process
    that started this one does where it is ""."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Text())
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    write_as(form or os.environ.get(_FORMAT, "text"))
    return handler


def write_as(form: str) -> None:
    """Write lines of this `Format`, in processes that are started from now on as well."""
    if form != os.environ.get(_FORMAT, "text"):
        os.environ[_FORMAT] = form
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, _Text | _Json):
            handler.setFormatter(_Json() if form == "json" else _Text())


def request_in(message: dict[str, object]) -> Request | None:
    """The request that a message to a worker is sent for."""
    found = message.get("about")
    return cast("Request", tuple(found)) if isinstance(found, list) and len(found) == 2 else None


def _shown(msg_id: int | str) -> str:
    # The editor's: it may hold anything, line ends too.
    return str(msg_id) if isinstance(msg_id, int) else ascii(msg_id[:_LONGEST_ID])
