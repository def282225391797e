"""A type server with one fault, named on the command line: `hangs`, `late SECONDS`, `garbage`, `refuses`,
`ends`, `falls` (over every question about a file whose name has `deep` in it), `counts` (answers
completion with the text it holds, so that a test can see what it was told)."""

from __future__ import annotations

import json
import sys
import time
from typing import Any


def _read() -> dict[str, Any] | None:
    length = 0
    while line := sys.stdin.buffer.readline():
        if line == b"\r\n":
            body: dict[str, Any] = json.loads(sys.stdin.buffer.read(length))
            return body
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    return None


def _answer(number: Any, result: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
    sys.stdout.buffer.flush()


def main(fault: str, seconds: float) -> None:
    if fault == "ends":
        sys.exit(3)
    while (message := _read()) is not None:
        method, number = message.get("method"), message.get("id")
        if method == "initialize":
            known: Any = {"capabilities": {"completionProvider": {}, "positionEncoding": "utf-8"}}
            _answer(number, "what?" if fault == "refuses" else known)
        elif number is None or "method" not in message:
            continue
        elif fault == "falls" and "deep" in message["params"].get("textDocument", {}).get("uri", ""):
            sys.exit(6)
        elif fault == "garbage":
            sys.stdout.buffer.write(b"not a frame at all\r\n\r\nContent-Length: 5\r\n\r\n{{{{{")
            sys.stdout.buffer.flush()
        elif fault == "shapes":
            _answer(number, {"items": [1, None, {"label": 3}, {"label": "ok", "kind": "?", "detail": 4}]})
        elif fault == "late":
            time.sleep(seconds)
            _answer(number, {"items": [{"label": "late"}]})
        elif fault != "hangs":
            _answer(number, None)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
