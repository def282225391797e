"""The commands `devflow-lsp` (the server) and `devflow` (everything else): arguments to one function.

Nothing heavy is imported here: `--version` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import warnings
from collections.abc import Sequence

from devflow import __version__

COMMANDS = {
    "index": "bring the index of a workspace up to date",
    "search": "find code by name, text or meaning",
    "ask": "answer a question about the codebase, with citations",
    "impact": "show what is affected when a definition changes, and why",
    "graph": "ask the code graph: callers, callees, path, endpoints, dead",
    "review": "run the review checks on files",
    "stats": "say what models were asked and what they cost",
    "audit": "say what left this machine, and check the log of it",
    "eval": "measure search on truth sets, or ghost text",
    "route": "say which models would be asked, in order, and why",
    "experiments": "compare models on your own work",
    "doctor": "say what works, what does not, and why",
    "setup": "write or print the configuration of an editor",
    "demo": "show what the server does on real code",
}


def serve(argv: Sequence[str] | None = None) -> int:
    """The language server. Speaks LSP over stdio unless told otherwise."""
    parser = argparse.ArgumentParser("devflow-lsp", description=serve.__doc__)
    parser.add_argument("--version", action="version", version=f"devflow-lsp {__version__}")
    transport = parser.add_mutually_exclusive_group()
    transport.add_argument("--stdio", action="store_true", help="speak over stdin and stdout (the default)")
    transport.add_argument("--tcp", metavar="HOST:PORT", type=_address, help="listen on a TCP port")
    transport.add_argument("--ws", metavar="HOST:PORT", type=_address, help="listen for a WebSocket")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="listen on an address that other machines can reach (there is no authentication)",
    )
    parser.add_argument(
        "--log-level", choices=("error", "warning", "info", "debug"), help="what goes to stderr"
    )
    parser.add_argument("--log-format", choices=("text", "json"), help="how: a line of text, or of JSON")
    parser.add_argument("--clientProcessId", type=int, metavar="PID", help="exit when this process ends")
    arguments = parser.parse_args(argv)

    if address := arguments.tcp or arguments.ws:
        from devflow.server.transport import check_address

        try:
            check_address(address[0], allow_remote=arguments.allow_remote)
        except ValueError as error:
            parser.error(str(error))
    from devflow.server.late_types import import_types

    import_types()  # before anything imports them
    from devflow.server import process

    if address:
        return process.run_listening(
            "tcp" if arguments.tcp else "ws",
            *address,
            allow_remote=arguments.allow_remote,
            log_level=arguments.log_level,
            log_format=arguments.log_format,
            parent=arguments.clientProcessId,
        )
    return process.run_stdio(
        log_level=arguments.log_level, log_format=arguments.log_format, parent=arguments.clientProcessId
    )


def main(argv: Sequence[str] | None = None) -> int:
    """A language server that knows the whole codebase: the commands around it."""
    argv = sys.argv[1:] if argv is None else list(argv)
    warnings.simplefilter("ignore", SyntaxWarning)  # of the code that is looked at
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file's name need not be UTF-8, nor the terminal
            stream.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser("devflow", description=main.__doc__)
    parser.add_argument("--version", action="version", version=f"devflow {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    chosen: argparse.ArgumentParser | None = None
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=f"{summary[:1].upper()}{summary[1:]}.")
        if argv[:1] == [name]:  # only the command that runs is imported
            importlib.import_module(f"devflow.server.commands.{name}").configure(command)
            chosen = command
    if chosen is None:
        parser.parse_args(argv)  # prints what was asked for, or says what is wrong, and ends
        return 2
    arguments = chosen.parse_intermixed_args(argv[1:])  # an option may stand between two names
    module = importlib.import_module(f"devflow.server.commands.{argv[0]}")
    try:
        return int(module.run(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


def _address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit() or not 0 <= int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    # An empty host would listen on every interface.
    return host.strip("[]") or "127.0.0.1", int(port)


if __name__ == "__main__":
    raise SystemExit(serve())
