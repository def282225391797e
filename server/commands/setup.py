"""`devflow setup EDITOR`: write or print the configuration of an editor.

What is DevFlow's own is written; a file that is there already is changed only with `--write`, after a
back-up.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.resources
import json
import os
import shutil
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

_BEGIN = ">>> devflow >>>"
_END = "<<< devflow <<<"
_EMACS_HOOKS = (
    "python-base-mode-hook js-base-mode-hook typescript-ts-base-mode-hook go-ts-mode-hook java-ts-mode-hook "
    "rust-ts-mode-hook c-mode-common-hook c-ts-base-mode-hook csharp-mode-hook ruby-base-mode-hook"
)


class Refused(Exception):
    """Nothing was changed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file of an editor's configuration."""

    path: Path
    text: str
    """The whole file, where there is none."""
    merged: Callable[[str], str] | None = None
    """A user's file with our part in it; None: the file is ours alone. Raises `Refused`."""
    part: str = ""
    """What a user who edits the file by hand has to add."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What setting up an editor comes to."""

    targets: tuple[Target, ...]
    notes: str
    """What is left to do, for the user."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("editor", choices=sorted(_EDITORS), help="which editor")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--print", action="store_true", dest="print_only", help="print it and write nothing")
    how.add_argument(
        "--write", action="store_true", help="change files that are there already, after a back-up"
    )
    parser.add_argument(
        "--path", type=Path, help="the editor's configuration folder, or for intellij the folder to write"
    )


def run(arguments: argparse.Namespace) -> int:
    """Set the editor up; 1 when a file could not be read or written."""
    try:
        plan = _EDITORS[arguments.editor](arguments.path)
        for target in plan.targets:
            if arguments.print_only:
                print(f"# {target.path}\n{target.part or target.text}")
            else:
                print(_apply(target, write=arguments.write))
    except OSError as error:
        print(
            f"devflow setup {arguments.editor}: {error.filename!r} cannot be written ({error.strerror}); "
            "--print shows what belongs there.",
            file=sys.stderr,
        )
        return 1
    except (Refused, UnicodeDecodeError) as error:
        print(f"devflow setup {arguments.editor}: {error}", file=sys.stderr)
        return 1
    print(plan.notes)
    return 0


def server_command() -> list[str]:
    """How an editor starts the server: by full path, for an editor's PATH is rarely the shell's."""
    name = "devflow-lsp.exe" if os.name == "nt" else "devflow-lsp"
    for folder in (Path(sys.executable).parent, Path(sysconfig.get_path("scripts"))):
        if (folder / name).is_file():
            return [str(folder / name)]
    if found := shutil.which("devflow-lsp"):
        return [found]
    return [sys.executable, "-m", "devflow.server.cli"]


def _apply(target: Target, *, write: bool) -> str:
    path = target.path
    if not path.exists():
        _write(path, target.text)
        return f"wrote {path}"
    old = path.read_text("utf-8")
    new = target.merged(old) if target.merged else target.text
    if new == old:
        return f"{path} is up to date"
    if not write:
        if target.merged:
            return f"{path} is there already and was not changed. Add this, or use --write:\n\n{target.part}"
        return (
            f"{path} differs from this version and was not changed. Use --write to replace it:\n\n"
            + "".join(
                difflib.unified_diff(old.splitlines(True), new.splitlines(True), "yours", "this version")
            )
        )
    backup = _backup(path)
    _write(path, new)
    return f"changed {path}; what was there is in {backup.name}"


def _write(path: Path, text: str) -> None:
    """Write `path` whole or not at all. A link is followed: dotfiles often are links."""
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if path.exists():
            shutil.copymode(path, name)
        else:
            umask = os.umask(0)
            os.umask(umask)
            Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _backup(path: Path) -> Path:
    number = 0
    while True:
        backup = path.with_name(f"{path.name}.devflow-backup{number or ''}")
        try:
            with backup.open("xb") as file:
                file.write(path.read_bytes())
            shutil.copymode(path, backup)
            return backup
        except FileExistsError:
            number += 1


# -- editors ---------------------------------------------------------------------------------------


def _neovim(path: Path | None) -> Plan:
    app = os.environ.get("NVIM_APPNAME") or "nvim"
    if os.name == "nt":
        data = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / f"{app}-data"
    else:
        data = _xdg("XDG_DATA_HOME", ".local/share") / app
    plugin = path or data / "site/pack/devflow/start/devflow"
    command = ", ".join(_quoted(word) for word in server_command())
    targets = [
        Target(plugin / name, text)
        for name, text in _files("neovim")
        if name.split("/")[0] in ("lsp", "lua", "plugin")
    ]
    targets.append(Target(plugin / "lua/devflow_command.lua", f"return {{ {command} }}\n"))
    notes = (
        "Neovim 0.12 loads this by itself: open a source file. <Tab> accepts ghost text, :DevFlow has the "
        "rest; :checkhealth vim.lsp tells what runs."
    )
    if path:
        notes += f"\nAdd the folder to your plugins: vim.opt.runtimepath:prepend({_quoted(str(plugin))})"
    return Plan(tuple(targets), notes)


def _emacs(path: Path | None) -> Plan:
    init = path / "init.el" if path else _emacs_init()
    home = path or (init.parent if init.name == "init.el" else Path.home() / ".emacs.d")
    library = home / "devflow/devflow.el"
    block = "\n".join(
        (
            f";; {_BEGIN}",
            f"(add-to-list 'load-path {_quoted(str(library.parent))})",
            f"(setq devflow-command '({' '.join(_quoted(word) for word in server_command())}))",
            "(with-eval-after-load 'eglot (require 'devflow))",
            f"(dolist (hook '({_EMACS_HOOKS}))",
            "  (add-hook hook #'eglot-ensure))",
            f";; {_END}",
            "",
        )
    )
    [(_, text)] = [file for file in _files("emacs") if file[0] == "devflow.el"]
    return Plan(
        (Target(library, text), Target(init, block, lambda old: _with_block(old, block), block)),
        "Emacs 29 or newer: restart it and open a source file, or M-x eglot. M-x devflow-status tells what "
        "runs. Eglot has no ghost text: what it would say is the second item of a completion list.",
    )


def _helix(path: Path | None) -> Plan:
    if path is None:
        base = Path(os.environ["APPDATA"]) if os.name == "nt" else _xdg("XDG_CONFIG_HOME", ".config")
        path = base / "helix"
    program, *arguments = server_command()
    [(_, template)] = [file for file in _files("helix") if file[0] == "languages.toml"]
    text = template.replace('command = "devflow-lsp"', f"command = {_quoted(program)}").replace(
        "args = []", f"args = [{', '.join(_quoted(word) for word in arguments)}]"
    )
    target = Target(path / "languages.toml", text, lambda old: _with_helix(old, text), text)
    return Plan(
        (target,),
        "Helix 25.01 or newer: `hx --health python` names devflow. Helix has no ghost text: what "
        "it would say is the second item of a completion list.",
    )


def _vscode(path: Path | None) -> Plan:
    program, *arguments = server_command()
    values: dict[str, object] = {"devflow.path": program}
    if arguments:
        values["devflow.arguments"] = arguments
    folder = path or Path(str(importlib.resources.files("devflow.editors"))) / "vscode"
    built = sorted(folder.glob("devflow-*.vsix"))
    if built:
        install = f"code --install-extension {_shell_quoted(str(built[-1]))}"
    else:
        install = (
            "The extension is not built here. In a checkout of DevFlow (Node 20):\n"
            "  cd editors/vscode && npm ci && npm run package\n"
            "  code --install-extension devflow-*.vsix"
        )
    return Plan(
        (),
        f"1. Install the extension:\n  {install}\n"
        "2. Put this into your user settings (Preferences: Open User Settings (JSON)):\n"
        f"{json.dumps(values, indent=2)}\n"
        "3. Open a source file; the status bar says DevFlow.",
    )


def _intellij(path: Path | None) -> Plan:
    import platformdirs

    folder = path or Path(platformdirs.user_data_dir("devflow", appauthor=False)) / "intellij/devflow"
    command = " ".join(f'"{word}"' if " " in word else word for word in server_command())
    targets = []
    for name, text in _files("intellij/devflow"):
        if name == "template.json":
            template = json.loads(text)
            template["programArgs"] = {"default": command}
            text = json.dumps(template, indent=2, ensure_ascii=False) + "\n"
        targets.append(Target(folder / name, text))
    return Plan(
        tuple(targets),
        "In the IDE: install the plugin LSP4IJ, then Settings > Languages & Frameworks > Language Servers "
        f"> + > Template > Import from custom template..., and choose\n  {folder}",
    )


_EDITORS: dict[str, Callable[[Path | None], Plan]] = {
    "emacs": _emacs,
    "helix": _helix,
    "intellij": _intellij,
    "neovim": _neovim,
    "vscode": _vscode,
}


# -- pieces ----------------------------------------------------------------------------------------


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Names (with `/`) and texts of the files we ship under `folder`, hidden ones left out."""

    def walk(at: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
        for entry in sorted(at.iterdir(), key=lambda entry: entry.name):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                yield from walk(entry, f"{prefix}{entry.name}/")
            elif entry.name.endswith((".lua", ".el", ".toml", ".json", ".md")):
                yield prefix + entry.name, entry.read_text("utf-8")

    return walk(importlib.resources.files("devflow.editors").joinpath(*folder.split("/")), "")


def _xdg(variable: str, default: str) -> Path:
    # The specification: a relative path there is to be ignored.
    value = os.environ.get(variable, "")
    return Path(value) if Path(value).is_absolute() else Path.home() / default


def _emacs_init() -> Path:
    """The file Emacs reads at start, by its own rules."""
    home = Path.home()
    xdg = _xdg("XDG_CONFIG_HOME", ".config") / "emacs/init.el"
    for init in (home / ".emacs", home / ".emacs.el", home / ".emacs.d/init.el"):
        if init.exists():
            return init
    return home / ".emacs.d/init.el" if (home / ".emacs.d").is_dir() else xdg


def _with_block(old: str, block: str) -> str:
    """`old` with our marked block, replaced where it is there already."""
    start, end = old.find(f";; {_BEGIN}"), old.find(f";; {_END}")
    if start == -1 and end == -1:
        return old + ("" if not old or old.endswith("\n") else "\n") + ("\n" if old else "") + block
    if start == -1 or end < start:
        raise Refused(f"the marks {_BEGIN!r} and {_END!r} in the init file do not pair up; mend that first.")
    end = end + len(f";; {_END}")
    return old[:start] + block.rstrip("\n") + old[end:]


def _with_helix(old: str, text: str) -> str:
    """`old` with the server and the languages it says nothing about."""
    try:
        theirs = tomllib.loads(old)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"languages.toml is not valid TOML ({error}); mend that first.") from None
    ours = tomllib.loads(text)
    servers = theirs.get("language-server", {})
    if "devflow" in servers:
        if servers["devflow"] == ours["language-server"]["devflow"]:
            return old
        raise Refused(
            "languages.toml has another [language-server.devflow]; its command should be "
            f"{ours['language-server']['devflow']['command']!r}."
        )
    named = {entry.get("name") for entry in theirs.get("language", [])}
    head, *entries = text.split("[[language]]\n")
    kept = [entry for entry in entries if tomllib.loads(entry)["name"] not in named]
    server = head[head.index("[language-server.devflow]") :]
    new = old.rstrip("\n") + "\n\n" + "[[language]]\n".join((server, *kept))
    try:
        tomllib.loads(new)
    except tomllib.TOMLDecodeError:
        raise Refused(
            "languages.toml defines language-server or language in a form that cannot be added to; "
            "`devflow setup helix --print` shows what is needed."
        ) from None
    if named & {entry["name"] for entry in ours["language"]}:
        listed = ", ".join(sorted(named & {entry["name"] for entry in ours["language"]}))
        new = new.replace(
            "[language-server.devflow]",
            f'# Add "devflow" to the language-servers of: {listed}\n[language-server.devflow]',
            1,
        )
    return new


def _quoted(text: str) -> str:
    """`text` as a string of Lua, Emacs Lisp and TOML."""
    if any(ord(sign) < 32 or ord(sign) == 127 for sign in text):
        raise Refused(f"the path {text!r} has a control character, which editors' files cannot hold.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _shell_quoted(text: str) -> str:
    import shlex

    return f'"{text}"' if os.name == "nt" else shlex.quote(text)
