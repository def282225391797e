"""The code that is indexed: pinned releases, fetched by name, unpacked once."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from bench.corpora import unpacked

HOMEASSISTANT, ANSIBLE = "homeassistant==2025.4.4", "ansible==14.5.0"
OPENJDK = "openjdk-17-source"
_CODE = frozenset(".py .java .js .ts .c .h .cpp .go .rs .cs .kt .rb .php .ps1 .sh .sql .yml .yaml".split())  # noqa: SIM905


class Missing(Exception):
    """Something cannot be fetched here; the message is one sentence."""


def homeassistant(scratch: Path) -> Path:
    """A million lines of one real application."""
    return _wheel(scratch, HOMEASSISTANT)


def part(scratch: Path) -> Path:
    """The integrations of Home Assistant that begin with `m`: 90,000 lines."""
    root = scratch / "homeassistant-m"
    if not root.is_dir():
        partial = root.with_name(root.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        for folder in sorted(homeassistant(scratch).glob("homeassistant/components/m*")):
            shutil.copytree(folder, partial / folder.name, ignore=shutil.ignore_patterns("translations"))
        partial.rename(root)
    return root


def ten_million(scratch: Path) -> Path:
    """A folder with Home Assistant, Ansible and the sources of OpenJDK 17. Raises Missing."""
    root = scratch / "ten-million"
    root.mkdir(parents=True, exist_ok=True)
    for source in (homeassistant(scratch), _wheel(scratch, ANSIBLE), _openjdk(scratch)):
        target = root / source.name
        if not target.exists():
            shutil.copytree(source, target, symlinks=True, copy_function=_linked)
    return root


def lines(root: Path) -> int:
    """Lines of code below `root`, whatever the index makes of them."""
    total = 0
    for path in root.rglob("*"):
        if path.suffix in _CODE and path.is_file() and not path.is_symlink():
            total += path.read_bytes().count(b"\n")
    return total


def size(root: Path) -> dict[str, int]:
    """Bytes of the files below `root`: all of them, and those of the programming languages."""
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    return {
        "all": sum(path.stat().st_size for path in files),
        "code": sum(path.stat().st_size for path in files if path.suffix in _CODE),
    }


def releases(scratch: Path, name: str, versions: list[str]) -> list[Path]:
    """Folders with these releases of one package, oldest first."""
    return [_wheel(scratch, f"{name}=={version}") for version in versions]


def _wheel(scratch: Path, requirement: str) -> Path:
    name, _, version = requirement.partition("==")
    root = scratch / f"{name}-{version}"
    if root.is_dir():
        return root
    wheels = scratch / "wheels" / root.name
    command = [sys.executable, "-m", "pip", "-qq", "--disable-pip-version-check", "download", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.13", "--dest", str(wheels), requirement]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Missing(f"pip cannot download {requirement} here.") from error
    return unpacked(next(wheels.glob("*.whl")), root)


def _openjdk(scratch: Path) -> Path:
    root = scratch / OPENJDK
    if root.is_dir():
        return root
    folder = scratch / "debian"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not any(folder.glob("*.deb")):
            subprocess.run(["apt-get", "download", OPENJDK], cwd=folder, check=True, capture_output=True)
        subprocess.run(["dpkg-deb", "-x", str(next(folder.glob("*.deb"))), str(folder / "tree")], check=True)
        archive = next(path for path in (folder / "tree").rglob("src.zip") if not path.is_symlink())
    except (OSError, subprocess.CalledProcessError, StopIteration) as error:
        raise Missing(f"Debian's package {OPENJDK} cannot be fetched here (apt-get download).") from error
    partial = root.with_name(root.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    with zipfile.ZipFile(archive) as sources:
        sources.extractall(partial)
    shutil.rmtree(folder / "tree")
    partial.rename(root)
    return root


def _linked(source: str, target: str) -> None:
    """A hard link: the same bytes need not lie there twice."""
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
