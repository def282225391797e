"""Where settings come from: read from three places, checked, and resolved into one value.

Order, later wins: built-in defaults, `devflow.toml` in the user's config folder, the editor's settings,
`devflow.toml` in the workspace. A workspace file comes with a cloned repository, so it is not trusted:
it may narrow what is sent and tune features, it can never name a model, a file to load or an address.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from devflow.analysis.regular_files import NotRegular, opened
from devflow.server.resolved import resolved
from devflow.server.sections import Fault, faults, made, settings_of
from devflow.server.settings import FILE_NAME, Models, Options, Settings

_LARGEST_FILE = 1_000_000
_GUARDS = ("local_only", "never_send", "budget")
"""Of `models`: what they should forbid is not known when one of them cannot be read."""
_CLOSED = "until that is mended nothing leaves this machine"


def load(roots: Iterable[Path], editor: Iterable[Mapping[str, Any]] = ()) -> tuple[Settings, list[str]]:
    """Read every place and resolve. `editor` is what the editor said, later over earlier.
    Returns the settings and one sentence per problem. Reads files: not for the event loop."""
    sources: list[Source] = []
    problems: list[str] = []

    def read(path: Path, *, trusted: bool) -> None:
        source, problem = read_file(path, trusted=trusted)
        if source is not None:
            sources.append(source)
        if problem:
            problems.append(problem)

    read(user_file(), trusted=True)
    sources += [Source("the editor's settings", values) for values in editor]
    for root in roots:
        read(root / FILE_NAME, trusted=False)
    settings, more = resolve(*sources, unread=bool(problems))
    return settings, problems + more


def read_file(path: Path, *, trusted: bool) -> tuple[Source | None, str]:
    """The settings in `path`, or None with a sentence when it cannot be read; None and "" when it
    does not exist."""
    try:
        with opened(path) as (file, info):
            if info.st_size > _LARGEST_FILE:
                return None, f"{path} is larger than {_LARGEST_FILE // 1000} kB: it is ignored and {_CLOSED}."
            text = file.read(_LARGEST_FILE).decode("utf-8").replace("\r\n", "\n")
        return Source(str(path), tomllib.loads(text), text, trusted), ""
    except FileNotFoundError:
        return None, ""
    except tomllib.TOMLDecodeError as error:
        return None, f"{path} is not valid TOML ({error}): it is ignored and {_CLOSED}."
    except NotRegular:
        return None, f"{path} is not a file: it is ignored and {_CLOSED}."
    except (OSError, UnicodeDecodeError) as error:
        return None, f"{path} cannot be read ({error}): it is ignored and {_CLOSED}."
    except (RecursionError, ValueError):  # tables nested without end, numbers of thousands of digits
        return None, f"{path} holds values that no setting has: it is ignored and {_CLOSED}."


def user_file() -> Path:
    """The user's own `devflow.toml`."""
    return platformdirs.user_config_path("devflow") / FILE_NAME


def resolve(*sources: Source, unread: bool = False) -> tuple[Settings, list[str]]:
    """Merge the sources, later over earlier. A value that does not fit is reported and left out;
    the rest still counts, but nothing leaves the machine when it is one that says what may, or when a place
    is `unread`. Returns the settings and one sentence per problem."""
    merged: dict[str, Any] = {}
    problems: list[str] = []
    closed = unread
    never_send: list[str] = []
    for source in sources:
        values = _snake_case(source.values)
        if not source.trusted:
            values = _untrusted(values, source, problems)
        values, doubtful = _valid_part(values, source, problems)
        closed = closed or doubtful
        _name_once(values, source, problems)
        _families(values, source, problems)
        never_send += values.get("models", {}).pop("never_send", ())
        local_only = merged.get("models", {}).get("local_only")
        records = merged.get("feedback", {}).get("record", True)
        merged = _merge(merged, values if source.trusted else _no_more_sent(values, merged))
        if local_only:  # a later source can forbid, not allow again what an earlier one forbade
            merged["models"]["local_only"] = True
        if not records:
            merged["feedback"]["record"] = False
    merged.setdefault("models", {})["never_send"] = tuple(never_send)
    if closed:
        merged["models"]["local_only"] = True
    return resolved(made(Options, merged)), problems


@dataclass(frozen=True, slots=True)
class Source:
    """One place settings were read from."""

    label: str
    """How messages name it: a path, or `the editor's settings`."""
    values: Mapping[str, Any]
    text: str = ""
    """The file's text, to find line numbers in."""
    trusted: bool = True


def _untrusted(values: dict[str, Any], source: Source, problems: list[str]) -> dict[str, Any]:
    for key in values.get("retrieval", {}) if isinstance(values.get("retrieval"), dict) else ():
        problems.append(
            f"{_place(source, ('retrieval', key))}: a workspace file may not set retrieval.{key}; "
            "put it into your own devflow.toml or the editor's settings."
        )
    values = {key: value for key, value in values.items() if key != "retrieval"}
    models = values.get("models")
    if not isinstance(models, dict):
        return values
    barred = (settings_of(Models).keys() & models.keys()) - {"local_only", "never_send"}
    kept = {key: value for key, value in models.items() if key not in barred}
    if kept.get("local_only") is False:
        del kept["local_only"]
    if isinstance(patterns := kept.get("never_send"), list | tuple):
        kept["never_send"] = [each for each in patterns if not _takes_back(each)]
        problems += [
            f"{_place(source, ('models', 'never_send'))}: a workspace file may not take back what is never "
            f"sent: {each!r} is left out; put it into your own devflow.toml or the editor's settings."
            for each in filter(_takes_back, patterns)
        ]
    for key in sorted(barred):
        problems.append(
            f"{_place(source, ('models', key))}: a workspace file may not set models.{key}; "
            "put it into your own devflow.toml or the editor's settings."
        )
    return {**values, "models": kept}


def _no_more_sent(values: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """A workspace's `values` without what would send more than the user's own settings, `before`, let."""
    kept = {section: dict(each) if isinstance(each, dict) else each for section, each in values.items()}
    for section, key in _SENDING:
        if before.get(section, {}).get(key) is False and section in kept:
            kept[section].pop(key, None)
    for key in _NOT_ASKED:
        if key in kept.get("inline", {}):
            kept["inline"][key] = (*before.get("inline", {}).get(key, ()), *kept["inline"][key])
    return kept


_SENDING = (("features", "inline_completion"), ("inline", "context"), ("next_edit", "model"))
_NOT_ASKED = ("paths_off", "languages_off")
"""Of `inline`: where no model is asked for ghost text."""


def _takes_back(pattern: object) -> bool:
    return isinstance(pattern, str) and pattern.startswith("!")


def _valid_part(values: dict[str, Any], source: Source, problems: list[str]) -> tuple[dict[str, Any], bool]:
    """`values` without what does not fit, each fault adding one sentence to `problems`, and whether a fault
    is in what says what may leave the machine."""
    doubtful = False
    while found := list(faults(Options, values)):
        problems += [_sentence(source, fault) for fault in found]
        doubtful = doubtful or any(map(_of_a_guard, found))
        values = _without(values, {_left_out(values, fault) for fault in found})
    return values, doubtful


def _of_a_guard(fault: Fault) -> bool:
    """Whether it may be that something was to be forbidden: a misspelt key counts as the nearest one."""
    where = fault.where
    if where == ("models",) or (where[0] == "models" and where[1] in _GUARDS):
        return True
    meant = _nearest(fault)
    if len(where) == 1:
        return meant == "models" or where[0] in _GUARDS
    return where[:-1] == ("models",) and meant in _GUARDS


def _left_out(values: dict[str, Any], fault: Fault) -> tuple[int | str, ...]:
    """What goes with a fault. A rule or experiment without one of its conditions would apply to more than it
    was written for: it goes as a whole, as does what lacks a thing that it must have."""
    if _is_condition(fault.where):
        return fault.where[:3]
    return _existing(values, fault.where[:-1] if fault.required else fault.where)


def _is_condition(where: tuple[int | str, ...]) -> bool:
    return len(where) > 3 and where[0] == "models" and where[1] in ("rules", "experiments")


def _name_once(values: dict[str, Any], source: Source, problems: list[str]) -> None:
    """Leave out models whose name another has: prices and health are kept by name."""
    models = values.get("models", {}).get("list")
    if not models:
        return
    first: dict[str, dict[str, Any]] = {}
    for model in models:
        if first.setdefault(model["name"], model) is not model:
            problems.append(
                f"{source.label}: two models are called {model['name']!r}; the second is left out, give it "
                "another name."
            )
    values["models"]["list"] = list(first.values())


def _families(values: dict[str, Any], source: Source, problems: list[str]) -> None:
    """Say what of a family has no effect; it is kept."""
    families = values.get("models", {}).get("families")
    if not families:
        return
    from devflow.models.profiles import family_faults

    for family in families:
        problems += [
            f"{source.label}: the family {family['name']!r}: {fault}." for fault in family_faults(family)
        ]


def _nearest(fault: Fault) -> str:
    """The key that may have been meant by an unknown one, "" when none is near."""
    near = difflib.get_close_matches(str(fault.where[-1]), fault.known, n=1)
    return near[0] if near else ""


def _sentence(source: Source, fault: Fault) -> str:
    name = ".".join(map(str, fault.where))
    place = _place(source, fault.where)
    closed = _of_a_guard(fault)
    if fault.known:
        near = _nearest(fault)
        hint = f"did you mean {near!r}?" if near else f"known here: {', '.join(sorted(fault.known))}."
        end = f" {_CLOSED.capitalize()}." if closed else ""
        return f"{place}: {fault.message} {name!r}; {hint}{end}"
    if closed:
        return f"{place}: {name!r} {fault.message}; {_CLOSED}."
    whole = fault.required or _is_condition(fault.where)
    kept = "the whole entry is left out" if whole else "the default is used"
    return f"{place}: {name!r} {fault.message}; {kept}."


def _place(source: Source, where: tuple[int | str, ...]) -> str:
    line = _line_of(source.text, where)
    return f"{source.label}, line {line}" if line else source.label


def _line_of(text: str, where: tuple[int | str, ...]) -> int | None:
    """The 1-based line that sets the dotted key `where` in a TOML text, as well as can be told
    without a concrete-syntax parser; None when it cannot."""
    table: tuple[int | str, ...] = ()
    best: int | None = None
    entries: dict[tuple[int | str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
            table = ()
            parts = [part.strip().strip("\"'") for part in header[2].split(".")]
            for depth, part in enumerate(parts, 1):
                table = (*table, part)
                if header[1] == "[[" and depth == len(parts):
                    entries[table] = entries.get(table, -1) + 1
                if table in entries:
                    table = (*table, entries[table])
            # The first of several tables stands for them all, a table for a key that is missing from it.
            if table in (where, where[:-1], (*where, 0)):
                best = best or number
        elif key := re.match(r"\s*([\w\-.\"']+)\s*=", line):
            full = (*table, *(part.strip("\"'") for part in key[1].split(".")))
            if full == where or (len(full) < len(where) and where[: len(full)] == full):
                return number
    return best


def _existing(values: Any, where: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The longest head of `where` that is in `values` (a fault may be that a key is missing)."""
    at = values
    for depth, part in enumerate(where):
        try:
            at = at[part]
        except (KeyError, IndexError, TypeError):
            # A missing key spoils the thing it is missing from.
            return where[:depth]
    return where


def _without(values: dict[str, Any], paths: set[tuple[int | str, ...]]) -> dict[str, Any]:
    def rebuilt(value: Any, at: tuple[int | str, ...]) -> Any:
        if isinstance(value, dict):
            return {k: rebuilt(v, (*at, k)) for k, v in value.items() if (*at, k) not in paths}
        if isinstance(value, list | tuple):
            return [rebuilt(v, (*at, i)) for i, v in enumerate(value) if (*at, i) not in paths]
        return value

    result: dict[str, Any] = rebuilt(values, ())
    return result if () not in paths else {}


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merge(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _snake_case(values: Any) -> Any:
    """Editors write camelCase, TOML files snake_case; both mean the same."""
    if isinstance(values, Mapping):
        return {
            re.sub(r"(?<=[a-z0-9])([A-Z])", lambda m: "_" + m[1].lower(), str(key)): (
                value if key == "options" else _snake_case(value)
            )
            for key, value in values.items()
        }
    if isinstance(values, list | tuple):
        return [_snake_case(value) for value in values]
    return values
