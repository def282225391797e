"""Fetches and unpacks what `sources.toml` names: `python fetch.py SOURCES`.

Needs `pip`, `npm`, and for the Debian packages an `apt-get` of Debian 12 with `deb-src` lines. What
is there already is not fetched again. Each package gets a folder of its own, `py-…`, `npm-…` or `deb-…`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

SUFFIXES = (".java", ".cs")


def main(target: Path) -> None:
    """Fetch everything; a package that cannot be had is named and left out."""
    sources = tomllib.loads(Path(__file__).with_name("sources.toml").read_text("utf-8"))
    target.mkdir(parents=True, exist_ok=True)
    ways: dict[str, tuple[Callable[[str], str], Callable[[str, Path], None]]] = {
        "pypi": (lambda pin: f"py-{pin.split('==')[0]}", _wheel),
        "npm": (lambda pin: "npm-" + pin.lstrip("@").replace("/", "-").replace("@", "-"), _npm),
        "debian": (lambda pin: f"deb-{pin.split('=')[0]}", _deb),
        "debian_source": (lambda pin: f"deb-{pin.split('=')[0]}", _deb_source),
    }
    for kind, (name_of, fetch) in ways.items():
        for pin in sources[kind]:
            folder = target / name_of(pin)
            if folder.is_dir():
                continue
            try:
                with tempfile.TemporaryDirectory(dir=target) as work:
                    fetch(pin, Path(work))
                    shutil.move(Path(work) / "out", folder)
            except (subprocess.CalledProcessError, OSError, tarfile.TarError) as error:
                print(f"{pin} cannot be had: {error}", file=sys.stderr)


def _wheel(pin: str, work: Path) -> None:
    options = ["--quiet", "--no-deps", "--no-compile", "--only-binary=:all:", "--target", str(work / "out")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, pin], check=True)


def _npm(pin: str, work: Path) -> None:
    subprocess.run(["npm", "pack", "--silent", pin], cwd=work, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(work.glob("*.tgz"))) as archive:
        archive.extractall(work / "out", filter="data")


def _deb(pin: str, work: Path) -> None:
    subprocess.run(["apt-get", "download", "-q", pin], cwd=work, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), work / "out"], check=True)


def _deb_source(pin: str, work: Path) -> None:
    command = ["apt-get", "source", "-q", "--download-only", pin]
    subprocess.run(command, cwd=work, check=True, stdout=subprocess.DEVNULL)
    for path in work.glob("*.orig*.tar.*"):
        if path.suffix == ".asc":
            continue
        with tarfile.open(path) as archive:
            wanted = [member for member in archive if member.name.endswith(SUFFIXES)]
            archive.extractall(work / "out", wanted, filter="data")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
