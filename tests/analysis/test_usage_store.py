"""A usage model kept in a folder: brought up to date, merged, and damaged."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devflow.analysis.tokens import NEWLINE, scan
from devflow.analysis.usage import UsageModel
from devflow.analysis.usage.lines import rests
from devflow.analysis.usage.store import MANIFEST, Lexed, load, state, update

FILES = {
    "a.py": "for item in items:\n    total += item.price\nreturn total\n",
    "b.py": "for item in things:\n    total += item.price\nreturn total\n",
    "c.py": "for key in things:\n    total += item.count\n",
}


def saved(directory: Path, sources: Mapping[str, str], generation: int = 0) -> list[str]:
    """Bring `directory` up to date; the paths that had to be read."""
    read: list[str] = []

    def lexed(path: str) -> Lexed:
        read.append(path)
        return Lexed(*scan(sources[path], "python"), sources[path])

    update(directory, sources, lexed, generation)
    return read


def followers(model: UsageModel, *context: str) -> dict[str, float]:
    return dict(model.next_tokens(context).tokens)


def segments(directory: Path) -> list[Path]:
    return [entry for entry in directory.iterdir() if entry.is_dir()]


def test_a_model_read_back_answers_as_the_one_written(tmp_path: Path) -> None:
    saved(tmp_path, FILES, 7)
    again = load(tmp_path)
    whole = UsageModel.build([])
    assert len(whole) == 0
    assert again.next_tokens(["item", "."]).count == 3
    assert followers(again, "item", ".").keys() == {"price", "count"}
    found = state(tmp_path)
    assert found
    assert (found.generation, found.files) == (7, 3)


def test_large_arrays_are_mapped_and_not_copied(tmp_path: Path) -> None:
    saved(tmp_path, {"a.py": "".join(f"x = {n % 7} + y\n" for n in range(20_000))})
    [segment] = load(tmp_path).segments
    for values in (segment.written.low, segment.written.high, segment.suffixes.low, segment.suffixes.high):
        assert isinstance(values.base, np.memmap)


def test_a_token_takes_six_bytes_and_its_word(tmp_path: Path) -> None:
    saved(tmp_path, {"a.py": "".join(f"x = {n % 7} + y\n" for n in range(20_000))})
    [folder] = segments(tmp_path)
    size = sum(path.stat().st_size for path in folder.glob("*.npy"))
    assert 6 * len(load(tmp_path)) < size < 6 * len(load(tmp_path)) + 2_000


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    assert saved(tmp_path, FILES) == ["a.py", "b.py", "c.py"]
    assert saved(tmp_path, FILES) == []
    assert saved(tmp_path, FILES | {"b.py": "item.weight\n"}) == ["b.py"]
    assert followers(load(tmp_path), "item", ".").keys() == {"price", "count", "weight"}


def test_what_a_file_said_before_does_not_count_any_more(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    saved(tmp_path, FILES | {"c.py": "item.weight\n"})
    model = load(tmp_path)
    assert followers(model, "item", ".").keys() == {"price", "weight"}
    assert model.next_tokens(["item", "."]).count == 3


def test_a_deleted_file_does_not_count_any_more(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    saved(tmp_path, {"a.py": FILES["a.py"], "b.py": FILES["b.py"]})
    assert followers(load(tmp_path), "item", ".").keys() == {"price"}


def test_a_file_that_came_back_counts_once(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    saved(tmp_path, {path: FILES[path] for path in ("a.py", "b.py")})
    saved(tmp_path, FILES)
    assert load(tmp_path).next_tokens(["item", "."]).count == 3


def test_a_workspace_without_files_is_an_empty_model(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    saved(tmp_path, {})
    assert len(load(tmp_path)) == 0
    assert segments(tmp_path) == []


def test_a_file_that_cannot_be_read_is_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    update(tmp_path, {path: f"{path} changed" for path in FILES}, lambda path: None)
    assert len(load(tmp_path)) == 0
    update(tmp_path, {"a.py": "1"}, lambda path: Lexed(*scan("x.y", "python"), "1"))
    assert followers(load(tmp_path), "x", ".").keys() == {"y"}


def test_a_small_change_to_a_large_model_is_a_small_segment(tmp_path: Path) -> None:
    large = {"large.py": "total += item.price\n" * 1000}
    saved(tmp_path, large)
    [before] = segments(tmp_path)
    saved(tmp_path, large | {"new.py": "item.weight\n"})
    assert before in segments(tmp_path)
    assert len(segments(tmp_path)) == 2
    assert followers(load(tmp_path), "item", ".").keys() == {"price", "weight"}


def test_segments_of_like_size_are_merged_so_there_are_few(tmp_path: Path) -> None:
    sources: dict[str, str] = {}
    for number in range(24):
        sources[f"{number}.py"] = f"call(name_{number})\n" * 3
        saved(tmp_path, sources)
    assert len(segments(tmp_path)) <= 6
    assert load(tmp_path).next_tokens(["call", "("]).count == 72


def test_words_nobody_uses_any_more_leave_the_vocabulary(tmp_path: Path) -> None:
    saved(tmp_path, {"a.py": "\n".join(f"old_{n} = 1" for n in range(50)), "b.py": "x = 1\n"})
    saved(tmp_path, {"b.py": "x = 1\n"})
    model = load(tmp_path)
    assert model.vocabulary.number("old_3") is None
    assert model.vocabulary.number("x") is not None


def test_a_reader_keeps_its_model_while_another_is_written(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    reader = load(tmp_path)
    saved(tmp_path, {"a.py": "x = 1\n"})
    assert followers(reader, "item", ".").keys() == {"price", "count"}
    assert followers(load(tmp_path), "item", ".") == {}
    assert len(list(tmp_path.iterdir())) == 2


def test_segments_that_stayed_are_not_mapped_again(tmp_path: Path) -> None:
    large = {"large.py": "total += item.price\n" * 1000}
    saved(tmp_path, large)
    before = load(tmp_path)
    saved(tmp_path, large | {"new.py": "item.weight\n"})
    after = load(tmp_path, before)
    assert after.segments[0].written is before.segments[0].written
    assert followers(after, "item", ".").keys() == {"price", "weight"}


def test_an_update_that_fails_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, FILES)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("json.dump", full)
    with pytest.raises(OSError, match="no space"):
        saved(tmp_path, {"a.py": "x = 1\n"})
    monkeypatch.undo()
    assert followers(load(tmp_path), "item", ".")
    assert len(segments(tmp_path)) == 1


PARTS = ["tokens.npy", "tokens-high.npy", "suffixes.npy", "suffixes-high.npy"]
PARTS += ["text.npy", "ends.npy", "hashes.npy", "order.npy"]


@pytest.mark.parametrize("part", [*PARTS, "files.json"])
@pytest.mark.parametrize("damage", ["cut", "garbage", "empty", "gone"])
def test_a_damaged_model_is_refused_and_made_again(tmp_path: Path, part: str, damage: str) -> None:
    saved(tmp_path, FILES)
    [folder] = segments(tmp_path)
    whole = (folder / part).read_bytes()
    if damage == "gone":
        (folder / part).unlink()
    else:
        (folder / part).write_bytes({"cut": whole[:-9], "garbage": b"\x93garbage" * 9, "empty": b""}[damage])
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path)
    assert saved(tmp_path, FILES) == list(FILES)
    assert load(tmp_path).next_tokens(["item", "."]).count == 3


@pytest.mark.parametrize(
    "manifest",
    [
        "",
        "[]",
        "{}",
        "[" * 100_000,
        '{"format": 1}',
        '{"format": 2}',
        '{"format": 2, "segments": 3}',
        '{"format": 2, "segments": [3]}',
        '{"format": 2, "segments": [{"name": "../segment-1", "first": 2, "dead": []}]}',
        '{"format": 2, "segments": [{"name": "segment-1", "first": 2, "dead": []}]}',
        '{"format": 2, "segments": [{"name": "segment-1", "first": 9, "dead": 7}]}',
        "\ud800",
    ],
)
def test_a_hostile_manifest_is_refused_and_made_again(tmp_path: Path, manifest: str) -> None:
    tmp_path.joinpath(MANIFEST).write_bytes(manifest.encode("utf-8", "surrogatepass"))
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path)
    assert state(tmp_path) is None
    saved(tmp_path, FILES)
    assert load(tmp_path).next_tokens(["item", "."]).count == 3


@pytest.mark.parametrize("dead", [[3], [-1], ["0"], None, [0, 1e99]])
def test_dead_files_that_do_not_exist_are_refused(tmp_path: Path, dead: object) -> None:
    saved(tmp_path, FILES)
    manifest = json.loads((tmp_path / MANIFEST).read_text())
    manifest["segments"][0]["dead"] = dead
    (tmp_path / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="damaged"):
        load(tmp_path)


def test_the_former_format_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "41" / "usage-00").mkdir(parents=True)
    (tmp_path / "41" / "current").write_text("usage-00")
    (tmp_path / "building-7").mkdir()
    assert state(tmp_path) is None
    saved(tmp_path, FILES)
    assert len(list(tmp_path.iterdir())) == 2


def test_no_model_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load(tmp_path)


def test_scrambled_arrays_give_wrong_answers_at_worst(tmp_path: Path) -> None:
    saved(tmp_path, FILES)
    [folder] = segments(tmp_path)
    chance = random.Random(3)
    for part in PARTS:
        values = np.load(folder / f"{part.removesuffix('.npy')}.npy")
        if part in ("suffixes.npy", "order.npy", "hashes.npy"):
            np.save(folder / part, values[np.array(chance.sample(range(len(values)), len(values)))])
        if part == "text.npy":
            np.save(folder / part, values ^ 0x80)
    model = load(tmp_path)
    for word in ("item", ".", "total", "for"):
        model.next_tokens([word])
        rests([model], ["for", word])
        model.following(["item", word]).probabilities(["price"])


WORDS = ["a", "b", "c", NEWLINE]
CONTENT = st.lists(st.sampled_from(WORDS), max_size=12)
STEPS = st.lists(st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), CONTENT), min_size=1, max_size=4)


@settings(max_examples=25, deadline=None)
@given(STEPS, CONTENT)
def test_segments_and_merges_count_as_one_array_over_all_tokens(
    steps: list[dict[str, list[str]]], context: list[str]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for files in steps:
            write(Path(folder), files)
        model = load(Path(folder))
    last = steps[-1]
    expected = counted(list(last.values()), context)
    found = model.next_tokens(context)
    assert (found.match_length, found.count) == expected
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), last)
        whole = load(Path(folder))
    assert dict(whole.next_tokens(context).tokens) == pytest.approx(dict(found.tokens))
    names = model.following(context).probabilities(WORDS)
    assert names == pytest.approx(whole.following(context).probabilities(WORDS))


def write(directory: Path, files: Mapping[str, Sequence[str]]) -> None:
    def lexed(path: str) -> Lexed:
        return Lexed(files[path], bytes(len(files[path])), repr(files[path]))

    update(directory, {path: repr(words) for path, words in files.items()}, lexed)


def counted(files: Sequence[Sequence[str]], context: Sequence[str]) -> tuple[int, int]:
    """The length of the longest suffix of `context` that occurs in `files`, and how often it does."""
    for size in range(len(context), 0, -1):
        wanted = list(context[-size:])
        count = sum(
            list(words[at : at + size]) == wanted for words in files for at in range(len(words) - size + 1)
        )
        if count:
            return size, count
    return 0, 0
