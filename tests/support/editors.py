"""Real editors for tests: found through $DEVFLOW_EDITORS or `.editors/`, run without installing anything.

`tests/editors/install.sh` unpacks them as a Debian tree. A program of that tree starts through the tree's own
dynamic loader, so it needs neither chroot nor root nor mounts, and it talks to the server of this checkout.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds any one step may take before the test fails; a good step takes well under one."""


@dataclass(frozen=True, slots=True)
class Program:
    """How to start an editor: words before its arguments, and variables it needs."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *map(str, arguments)],
            env={**os.environ, **self.environment, **(env or {})},
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
            check=False,
        )


def server_command() -> list[str]:
    """The server the editors start: this checkout's, or the one $DEVFLOW_LSP names."""
    if named := os.environ.get("DEVFLOW_LSP"):
        return shlex.split(named)
    start = "import sys; from devflow.server.cli import serve; sys.exit(serve())"
    return [sys.executable, "-c", start]


def server_environment() -> dict[str, str]:
    """Variables that let a child process import this checkout."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def folder() -> Path:
    """Where `tests/editors/install.sh` puts the editors."""
    return Path(os.environ.get("DEVFLOW_EDITORS") or ROOT / ".editors").absolute()


def find(name: str) -> Program:
    """The editor called `name` (`nvim`, `emacs`, `hx`), or skip the test with the reason."""
    if program := _unpacked(folder(), name):
        return program
    if installed := shutil.which(name):
        return Program((installed,))
    pytest.skip(f"{name} is neither in {folder()} nor on PATH; `make test-editors` installs it")


def _unpacked(tree: Path, name: str) -> Program | None:
    binary = tree / "usr/bin" / ("emacs-nox" if name == "emacs" else name)
    loaders = sorted(tree.glob("usr/lib*/ld-linux*.so.*"))
    if not binary.exists() or not loaders:
        return None
    libraries = tree / "usr/lib" / f"{platform.machine()}-linux-gnu"
    command = [str(loaders[0]), "--library-path", str(libraries), str(binary)]
    match name:
        case "nvim":
            # The folders compiled into it, of its runtime and of its parsers, are not there.
            parsers = str(tree / "usr/lib/nvim").replace(" ", "\\ ")
            return Program(
                (*command, "--cmd", f"set runtimepath+={parsers}"),
                {"VIMRUNTIME": str(tree / "usr/share/nvim/runtime")},
            )
        case "emacs":
            [lisp] = tree.glob("usr/share/emacs/[0-9]*/lisp")
            [image] = tree.glob("usr/libexec/emacs/*/*/*.pdmp")
            folders = [lisp, *(f for f in sorted(lisp.rglob("*")) if f.is_dir() and f.name != "obsolete")]
            return Program(
                (*command, f"--dump-file={image}"),
                {
                    "EMACSLOADPATH": os.pathsep.join(map(str, folders)),
                    "EMACSDATA": str(lisp.parent / "etc"),
                    "EMACSDOC": str(lisp.parent / "etc"),
                    "EMACSPATH": str(image.parent),
                },
            )
        case _:
            return Program(tuple(command))


@dataclass(slots=True)
class Neovim:
    """A running Neovim, driven as a user would: keys go in, what it shows is read."""

    program: Program
    socket: Path
    process: subprocess.Popen[bytes]

    def keys(self, keys: str) -> None:
        """Type `keys`, in Neovim's notation (`<Esc>`, `<C-x>`)."""
        self._remote("--remote-send", keys)

    def lua(self, expression: str) -> Any:
        """The value of a Lua expression, through JSON."""
        code = f"vim.json.encode({{ value = (function() return {expression} end)() }})"
        answer = self._remote("--remote-expr", f"luaeval({_vim_string(code)})")
        decoded = json.loads(answer)
        return decoded["value"] if isinstance(decoded, dict) else None  # Lua's empty table is a list in JSON

    def wait(self, expression: str, what: str) -> Any:
        """Ask for `expression` until it is truthy, and return it; `what` names it when it does not come."""
        return until(lambda: self.lua(expression), what, self.report)

    def again(self, keys: str, expression: str, what: str) -> Any:
        """Type `keys`, and again when `expression` does not become truthy soon."""
        return again(lambda: self.keys(keys), lambda: self.lua(expression), what, self.report)

    def report(self) -> str:
        """What explains a failure: messages and the end of the LSP log."""
        log = Path(str(self.lua("vim.lsp.log.get_filename()")))
        tail = log.read_text("utf-8", "replace")[-3000:] if log.exists() else ""
        messages = str(self.lua('vim.fn.execute("messages")'))[-1000:]
        return f"{messages}\n{tail}"

    def _remote(self, flag: str, text: str) -> str:
        if self.process.poll() is not None:
            pytest.fail(f"Neovim ended with {self.process.returncode}")
        done = self.program.run("--server", self.socket, flag, text)
        if done.returncode != 0:
            pytest.fail(f"Neovim refused {text!r}: {done.stderr or done.stdout}")
        return done.stdout


@contextmanager
def neovim(program: Program, workspace: Path, arguments: Sequence[str | Path]) -> Iterator[Neovim]:
    """Start Neovim in `workspace`; it is gone when the block ends."""
    socket = workspace / "nvim.sock"
    process = subprocess.Popen(
        [*program.command, "--headless", "--listen", str(socket), *map(str, arguments)],
        env={**os.environ, **program.environment, **server_environment()},
        cwd=workspace,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    editor = Neovim(program, socket, process)
    try:
        until(lambda: socket.exists() or process.poll() is not None, "Neovim's socket")
        yield editor
    finally:
        if process.poll() is None:
            program.run("--server", socket, "--remote-send", r"<C-\><C-n>:qall!<CR>")
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def again(do: Callable[[], None], ask: Callable[[], Any], what: str, report: Callable[[], str] = str) -> Any:
    """`do` as often as a user would, until what `ask` asks for is truthy: the first time may be too early."""

    def attempt() -> Any:
        do()
        end = time.monotonic() + 10
        answer = None
        while not answer and time.monotonic() < end:
            answer = ask()
        return answer

    return until(attempt, what, report)


def until(ask: Callable[[], Any], what: str, report: Callable[[], str] = str) -> Any:
    """Ask again and again until the answer is truthy. Each asking takes a few milliseconds by itself."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := ask():
            return answer
    pytest.fail(f"{what} did not come within {PATIENCE:.0f} s\n{report()}")


def _vim_string(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
