"""The code that retrieval is measured on: releases of public packages, fetched by name and version.

A corpus is named by a specification, `KIND:NAME`: `pypi:boto==2.49.0` (the wheel, else the sdist),
`sdist:django==3.2`, `npm:rxjs@7.8.2`, `deb:golang-google-grpc-dev=1.33.3-2` (a Debian package that holds
sources) or `debsrc:libgoogle-gson-java=2.10.1-1` (a Debian source package). They are fetched once, by each
registry's own client, into a folder of the user's cache.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

_TIMEOUT = 600
"""Seconds for one package."""
_SOURCES = "deb {mirror} {suite} main\ndeb-src {mirror} {suite} main\n"
_MIRROR, _SUITES = "http://deb.debian.org/debian", ("bookworm", "trixie")
"""Two releases: versions are named, and mirrors have not all sources of the older one."""
_REASON = re.compile(r"^(?:E|ERROR|npm error|npm ERR!):? +(.+)", re.M)


class CorpusUnavailable(Exception):
    """A corpus cannot be had; the message is a sentence for the user."""


def fetched(specification: str, cache: Path) -> Path:
    """The folder with the corpus's files, fetched if it is not there. Raises CorpusUnavailable."""
    kind, _, name = specification.partition(":")
    folder = cache / "corpora" / re.sub(r"[^\w.=-]", "_", f"{kind}-{name}")
    if (folder / ".complete").exists():
        return _root(folder / "files")
    shutil.rmtree(folder, ignore_errors=True)
    archives = folder / "archives"
    archives.mkdir(parents=True)
    try:
        _download(kind, name, archives, cache)
        found = sorted(path for path in archives.iterdir() if path.suffix not in (".dsc", ".asc"))
        if not found:
            raise CorpusUnavailable(f"{specification} brought no archive.")
        _unpack(max(found, key=lambda path: path.stat().st_size), folder / "files")
    except FileNotFoundError as error:
        raise CorpusUnavailable(
            f"{specification} cannot be fetched: {error.filename} is not installed."
        ) from error
    except subprocess.CalledProcessError as error:
        raise CorpusUnavailable(f"{specification} cannot be fetched: {_why(error.stderr or '')}") from error
    except (subprocess.TimeoutExpired, OSError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise CorpusUnavailable(f"{specification} cannot be fetched: {error}") from error
    shutil.rmtree(archives)
    (folder / ".complete").touch()
    return _root(folder / "files")


def _why(said: str) -> str:
    """The first error that a client told of, which names what is missing; the last ones sum it up."""
    reason = _REASON.search(said)
    lines = said.strip().splitlines()[-1:]
    return " ".join((reason[1] if reason else lines[0] if lines else "no word why").split())


def _root(files: Path) -> Path:
    """The folder itself, or the only one in it (an sdist's `name-version`)."""
    inside = list(files.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() and "-" in inside[0].name else files


def _download(kind: str, name: str, into: Path, cache: Path) -> None:
    pip = [sys.executable, "-P", "-m", "pip", "download", "-q", "--no-deps", "-d", str(into)]
    if kind == "pypi":
        try:
            _run([*pip, "--only-binary=:all:", name], into)
        except subprocess.CalledProcessError:
            _run([*pip, "--no-binary=:all:", name], into)
    elif kind == "sdist":
        _run([*pip, "--no-binary=:all:", name], into)
    elif kind == "npm":
        _run(["npm", "pack", "--silent", name], into)
    elif kind == "deb":
        _run(["apt-get", *_apt(cache), "-qq", "download", name], into)
    elif kind == "debsrc":
        # Debian's changes may be missing on a mirror; measured is what it was made from.
        command = ["apt-get", *_apt(cache), "-qq", "source", "--download-only", name]
        try:
            _run(command, into)
        except subprocess.CalledProcessError:
            if not any(".orig." in path.name for path in into.iterdir()):
                raise
    else:
        raise CorpusUnavailable(f"{kind!r} is no kind of corpus; known are pypi, sdist, npm, deb, debsrc.")


def _apt(cache: Path) -> list[str]:
    """Options that give apt lists of its own, with sources in them, and leave the machine's alone."""
    home = cache / "apt"
    lists = home / "lists"
    options = [
        f"-oDir::Etc::SourceList={home / 'sources.list'}",
        "-oDir::Etc::SourceParts=/dev/null",
        f"-oDir::State::Lists={lists}",
        f"-oDir::Cache={home / 'cache'}",
        "-oAPT::Sandbox::User=root",
    ]
    listed = "".join(_SOURCES.format(mirror=_MIRROR, suite=suite) for suite in _SUITES)
    written = home / "sources.list"
    if not lists.exists() or written.read_text("utf-8") != listed:
        (home / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
        (lists / "partial").mkdir(parents=True, exist_ok=True)
        written.write_text(listed, "utf-8")
        try:
            _run(["apt-get", *options, "-qq", "update"], home)
        except BaseException:
            shutil.rmtree(lists)
            raise
    return options


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=_TIMEOUT)


def _unpack(archive: Path, into: Path) -> None:
    into.mkdir(parents=True)
    if archive.suffix in (".whl", ".zip"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(into)  # zipfile keeps names inside the folder
    elif archive.suffix == ".deb":
        subprocess.run(
            ["dpkg-deb", "-x", str(archive), str(into)],
            check=True,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
        )
    else:
        with tarfile.open(archive) as packed_tar:
            packed_tar.extractall(into, filter="data")
