"""The VS Code extension: it type-checks, bundles, and the .vsix holds what VS Code needs."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from devflow import __version__
from support.patience import HANGS
from support.vsix import SOURCES, build_vsix

pytestmark = pytest.mark.editor


@pytest.fixture(scope="module")
def vsix(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    file = build_vsix(tmp_path_factory.mktemp("checkout"))
    assert file.name == f"devflow-{__version__}.vsix"
    return zipfile.ZipFile(file)


def test_the_vsix_holds_the_bundle_the_manifest_and_the_licences(vsix: zipfile.ZipFile) -> None:
    names = set(vsix.namelist())
    assert {"extension.vsixmanifest", "[Content_Types].xml", "extension/out/extension.js"} <= names
    assert {"extension/LICENSE.txt", "extension/THIRD-PARTY.txt"} <= names
    assert not [name for name in names if "node_modules" in name or name.endswith(".ts")]


def test_each_command_in_the_palette_is_one_the_code_registers(vsix: zipfile.ZipFile) -> None:
    package = json.loads(vsix.read("extension/package.json"))
    code = vsix.read("extension/out/extension.js").decode()
    offered = {command["command"] for command in package["contributes"]["commands"]}
    assert offered
    assert not [name for name in offered if f'"{name}"' not in code]


def test_no_palette_command_has_the_name_of_a_server_command(vsix: zipfile.ZipFile) -> None:
    # The client library registers the server's names: two registrations of one name stop the client.
    package = json.loads(vsix.read("extension/package.json"))
    offered = {command["command"] for command in package["contributes"]["commands"]}
    served = {f"devflow.{word}" for word in ("explain", "ask", "search", "review", "reindex", "status")}
    assert not offered & served


def test_the_lock_file_names_no_registry_host() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    assert not [name for name, entry in packages.items() if "resolved" in entry]


def test_the_licences_of_what_is_bundled_are_permissive() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text("utf-8"))["packages"]
    known = {"MIT", "ISC", "Apache-2.0", "BlueOak-1.0.0", "0BSD", "BSD-2-Clause", "BSD-3-Clause"}
    assert {entry["license"] for name, entry in packages.items() if name} <= known


def test_the_bundle_loads_and_has_the_two_functions_vs_code_calls(
    vsix: zipfile.ZipFile, tmp_path: Path
) -> None:
    (tmp_path / "extension.js").write_bytes(vsix.read("extension/out/extension.js"))
    (tmp_path / "load.js").write_text(STAND_IN)
    done = subprocess.run(
        ["node", "load.js"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=HANGS
    )
    assert done.stdout.split() == ["activate", "deactivate"], done.stderr


# VS Code's module, as far as loading goes: every name is a class.
STAND_IN = """
const Module = require("node:module");
const anything = new Proxy(class {}, { get: (target, name) => (name in target ? target[name] : anything) });
const load = Module._load;
Module._load = (name, ...rest) => (name === "vscode" ? anything : load(name, ...rest));
process.stdout.write(Object.keys(require("./extension.js")).sort().join(" "));
"""
