"""An index belongs to a root and to its owner: others get nothing."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devflow.retrieval.build import build
from devflow.retrieval.graph.impact import impact
from devflow.retrieval.index import Index, index_directory
from devflow.retrieval.walk import IndexOptions
from support.graphs import index, put

NOBODY = 65534
other_user = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become, or give to, another user"
)


@pytest.fixture
async def roots(tmp_path: Path) -> tuple[Path, Path]:
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    await index(mine, "#- a.py\nfrom secret import formula\n\ndef shown():\n    return formula()\n")
    await index(theirs, "#- secret.py\ndef formula():\n    return 'uranium'\n")
    return mine, theirs


@pytest.fixture
async def both(roots: tuple[Path, Path]) -> AsyncIterator[Index]:
    opened = await Index.open(roots)
    yield opened
    await opened.close()


async def test_a_root_outside_the_list_is_in_no_answer(both: Index, roots: tuple[Path, Path]) -> None:
    mine, theirs = roots
    seen = both.within([mine])
    try:
        assert {hit.path for hit in await seen.search("uranium formula")} <= {mine / "a.py"}
        assert await seen.symbols_named("formula") == []
        assert await seen.symbols_matching("formula") == []
        assert await seen.symbols_in(theirs / "secret.py") == []
        assert await seen.similar_functions("def formula():\n    return 'uranium'") == []
        assert await seen.graph.find("formula") == []
        assert [each.root for each in await seen.status()] == [mine]
        [shown] = await seen.graph.find("shown")
        assert (await seen.graph.ask(impact, shown)).affected == ()
    finally:
        await seen.close()
    [formula] = await both.graph.find("formula")
    affected = (await both.graph.ask(impact, formula)).affected
    assert [each.definition.name for each in affected] == ["shown"]


class Telling:
    """Vectors that would tell of any root."""

    async def nearest(self, root: Path, query: str, limit: int) -> list[tuple[int, float]]:
        return [(1, 1.0)]


async def test_vectors_of_a_root_outside_the_list_are_not_asked(roots: tuple[Path, Path]) -> None:
    mine, theirs = roots
    opened = await Index.open(roots, Telling())
    seen = opened.within([mine])
    try:
        assert {hit.path for hit in await opened.search("anything")} == {mine / "a.py", theirs / "secret.py"}
        assert {hit.path for hit in await seen.search("anything")} == {mine / "a.py"}
        assert await opened.within([]).search("formula") == []
    finally:
        await seen.close()
        await opened.close()


async def test_the_folder_and_the_store_are_the_owner_s_alone(roots: tuple[Path, Path]) -> None:
    folder = index_directory(roots[0])
    for each in (folder, folder.parent, folder.parent.parent):  # those above list the projects
        assert stat.S_IMODE(each.stat().st_mode) == 0o700
    for path in folder.rglob("*"):
        assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@other_user
async def test_another_user_gets_nothing(roots: tuple[Path, Path]) -> None:
    folder = index_directory(roots[0])
    for each in folder.parents:  # what lies above is open to all
        if "pytest" in str(each):
            each.chmod(0o755)
    ask = (
        "import os, sys\n"
        f"os.setgid({NOBODY}); os.setuid({NOBODY})\n"
        "for name in ('index.sqlite3', ''):\n"
        "    try:\n"
        f"        os.stat(os.path.join({str(folder)!r}, name)) if name else os.listdir({str(folder)!r})\n"
        "    except PermissionError:\n"
        "        print('refused')\n"
    )
    command = [sys.executable, "-P", "-c", ask]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "refused"]


@other_user
async def test_a_store_that_another_user_planted_is_neither_read_nor_written(
    roots: tuple[Path, Path],
) -> None:
    mine = roots[0]
    folder = index_directory(mine)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    opened = await Index.open([mine])
    try:
        assert await opened.symbols_named("shown") == []
        assert await opened.graph.find("shown") == []
    finally:
        await opened.close()
    put(mine, "#- b.py\ndef more(): ...\n")
    status = await build(mine, IndexOptions(vectors=False))
    assert (status.state, "another user" in status.problem) == ("failed", True)
