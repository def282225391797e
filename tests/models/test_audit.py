"""The audit log, whose lines are chained by their hashes."""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devflow.models.guard.accounting import AUDIT, LEDGER
from devflow.models.guard.audit import AuditLog, Verdict, verify
from devflow.models.guard.ledger import Ledger


def entries(path: Path, count: int) -> AuditLog:
    log = AuditLog(path)
    for number in range(count):
        log.append({"id": f"c-{number}", "to": "api.example.com", "why": "éxplain"})
    return log


def test_an_untouched_log_is_whole(tmp_path: Path) -> None:
    log = entries(tmp_path / AUDIT, 3)
    other = AuditLog(tmp_path / AUDIT)  # another process
    third = other.append({"id": "c-3"})
    fourth = log.append({"id": "c-4"})
    assert (fourth.start, fourth.before) == (third.end, third.head)
    verdict = verify(tmp_path / AUDIT, [third.head, fourth.head])
    assert verdict.whole
    assert verdict.lines == 5
    assert verify(tmp_path / "none").whole


def changed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b"c-1", b"c-9"), *lines[2:]]


def removed(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[2:]]


def swapped(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[2], lines[1], *lines[3:]]


def garbage(lines: list[bytes]) -> list[bytes]:
    return [lines[0], b"\xff\x00 not JSON\n", *lines[1:]]


def rehashed(lines: list[bytes]) -> list[bytes]:
    body = json.loads(lines[1]) | {"to": "elsewhere"}
    return [lines[0], json.dumps(body).encode() + b"\n", *lines[2:]]


def said_twice(lines: list[bytes]) -> list[bytes]:
    # Readers take the first or the last of two values of one name: the hash is that of the last.
    return [lines[0], lines[1].replace(b"{", b'{"to": "nowhere", ', 1), *lines[2:]]


def spaced(lines: list[bytes]) -> list[bytes]:
    return [lines[0], lines[1].replace(b", ", b",  ", 1), *lines[2:]]


@pytest.mark.parametrize("harm", [changed, removed, swapped, garbage, rehashed, said_twice, spaced])
def test_the_first_line_that_is_not_as_it_was_written_is_named(tmp_path: Path, harm: object) -> None:
    path = tmp_path / AUDIT
    entries(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(harm(lines)))  # type: ignore[operator]
    verdict = verify(path)
    assert (verdict.broken, verdict.lines) == (2, 1)
    assert verdict.why


def test_lines_missing_at_the_end_are_seen_by_what_the_ledger_remembers(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    entries(path, 3)
    head = verify(path).head
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert verify(path).whole
    assert verify(path, [head]).broken == 3
    path.unlink()
    assert verify(path, [head]).broken == 1


def test_what_a_writer_that_died_left_of_its_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    entries(path, 2)
    with path.open("ab") as file:
        file.write(b'{"id": "c-2", "pr' + b"x" * 100_000)
    assert verify(path).broken == 3
    verdict = verify(path, [AuditLog(path).append({"id": "c-3"}).head])
    assert (verdict.whole, verdict.lines) == (True, 3)


def test_processes_that_write_at_the_same_time_keep_one_chain(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from devflow.models.guard.audit import AuditLog\n"
        "log = AuditLog(Path(sys.argv[1]))\n"
        "sys.stdin.read(1)\n"
        "for number in range(200): log.append({'id': sys.argv[2], 'number': number})\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(path), name], stdin=subprocess.PIPE)
        for name in "ab"
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.close()
    assert [writer.wait(30) for writer in writers] == [0, 0]
    verdict = verify(path)
    assert (verdict.whole, verdict.lines) == (True, 400)


WRITER = """
import sys
from pathlib import Path
from devflow.models.guard.audit import AuditLog
from devflow.models.guard.ledger import Call, Ledger
folder = Path(sys.argv[1])
ledger, log = Ledger(folder / "ledger.sqlite"), AuditLog(folder / "audit.jsonl")
for number, turn in enumerate(iter(sys.stdin.readline, "")):
    if turn == "append\\n":
        line = log.append({"id": f"c-{sys.argv[2]}{number}", "to": "api.example.com"})
    else:
        ledger.settle(None, Call("c-" + sys.argv[2], 1.0, "fill", "m", "api.example.com"), line)
    print("done", flush=True)
"""


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[tuple[Callable[[str], None], Callable[[str], None]]]:
    """Two processes on one folder, each told when to `append` its line and when to `settle` it."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]

    def told(process: subprocess.Popen[str]) -> Callable[[str], None]:
        def tell(turn: str) -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{turn}\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"

        return tell

    first, second = map(told, started)
    yield first, second
    for process in started:
        process.communicate(timeout=60)


def known_of(folder: Path) -> tuple[str, ...]:
    with contextlib.closing(Ledger(folder / LEDGER)) as ledger:
        return ledger.audited()


def without_the_last_line(path: Path) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def test_the_last_line_is_missed_whatever_order_processes_settle_in(
    tmp_path: Path, writers: tuple[Callable[[str], None], Callable[[str], None]]
) -> None:
    first, second = writers
    for tell, turn in ((first, "append"), (second, "append"), (second, "settle"), (first, "settle")):
        tell(turn)
    assert verify(tmp_path / AUDIT, known_of(tmp_path)).whole
    without_the_last_line(tmp_path / AUDIT)
    verdict = verify(tmp_path / AUDIT, known_of(tmp_path))
    assert (verdict.broken, verdict.why) == (2, "lines are missing at the end")


@pytest.mark.parametrize("taken_out", [1, 2])
def test_lines_that_were_taken_out_stay_missed_when_others_are_written_in_their_place(
    tmp_path: Path, writers: tuple[Callable[[str], None], Callable[[str], None]], taken_out: int
) -> None:
    first, second = writers
    for tell in (first, second):
        tell("append")
        tell("settle")
    for _ in range(taken_out):
        without_the_last_line(tmp_path / AUDIT)
    for tell in (second, first, second, first):
        tell("append")
        tell("settle")
    assert not verify(tmp_path / AUDIT, known_of(tmp_path)).whole


@pytest.mark.skipif(sys.platform == "win32", reason="the lock is another there")
def test_a_line_that_is_just_being_written_is_waited_for(tmp_path: Path) -> None:
    import fcntl

    path = tmp_path / AUDIT
    entries(path, 2)
    *_, last = path.read_bytes().splitlines(keepends=True)
    verdicts: list[Verdict] = []
    with path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.truncate(path.stat().st_size - len(last) // 2)
        reader = threading.Thread(target=lambda: verdicts.append(verify(path)))
        reader.start()
        reader.join(0.2)  # without a lock it is done by now
        file.seek(0, 2)
        file.write(last[-(len(last) // 2) :])
    reader.join()
    assert [(verdict.whole, verdict.lines) for verdict in verdicts] == [(True, 2)]


def test_a_full_disk_does_not_break_the_chain(tmp_path: Path) -> None:
    path = tmp_path / AUDIT
    log = entries(path, 2)
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:  # the system then writes ten bytes of the line, and after those none
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, limits[1]))
        with pytest.raises(OSError, match="No space left"):
            log.append({"id": "c-2"})
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
        with pytest.raises(OSError, match="too large"):
            log.append({"id": "c-2"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_bytes() == before
    verdict = verify(path, [log.append({"id": "c-2"}).head])
    assert (verdict.whole, verdict.lines) == (True, 3)
