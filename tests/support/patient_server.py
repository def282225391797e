"""The server as `devflow-lsp` starts it, but no deadline of a request passes: what an editor is shown in a
test does not depend on how busy the machine is. To be run as a program."""

from __future__ import annotations

import sys

from devflow.server.assist import waiting
from devflow.server.cli import serve
from devflow.server.workers import python, type_server

if __name__ == "__main__":
    waiting.PATIENCE = 1000.0
    for deadlines in (python.DEADLINES, type_server.DEADLINES):
        deadlines.update(dict.fromkeys(deadlines, 100.0))
    sys.exit(serve())
