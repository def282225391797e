"""What is left out by its content or its place, with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from devflow.retrieval.filters import is_translation
from devflow.retrieval.walk import Found, IndexOptions, Skip, read, walk

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\n"


def judged(root: Path, name: str, text: str) -> str:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    [item] = [item for item in walk(root) if item.path == path]
    if isinstance(item, Skip):
        return item.reason
    assert isinstance(item, Found)
    source = read(item, IndexOptions())
    return source.reason if isinstance(source, Skip) else ""


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\n",
        "PuTTY-User-Key-File-2: ssh-rsa\n",
        "$ANSIBLE_VAULT;1.1;AES256\n6238\n",
        '{\n  "type": "service_account",\n  "private_key": "x"\n}',
        "[default]\naws_access_key_id = AKIA\n",
        "machine example.org login me password secret\n",
    ],
)
def test_a_file_that_is_a_key_is_left_out_whatever_it_is_called(tmp_path: Path, text: str) -> None:
    assert judged(tmp_path, "notes.txt", text) == "secret"


def test_source_that_quotes_a_key_is_source(tmp_path: Path) -> None:
    text = '"""Tests of reading keys."""\n' + "import os\n" * 60 + f'KEY = """{KEY}"""\n'
    assert judged(tmp_path, "test_keys.py", text) == ""


@pytest.mark.parametrize("name", ["translations/de.json", "i18n/pt-BR.json", "a/locales/zh_Hans.yaml"])
def test_texts_in_other_languages_are_left_out(tmp_path: Path, name: str) -> None:
    assert judged(tmp_path, name, '{"title": "x"}') == "translation"


@pytest.mark.parametrize("name", ["translations/en.json", "i18n/en-GB.json", "de.json", "lang/parser.py"])
def test_english_texts_and_code_are_no_translations(name: str) -> None:
    assert not is_translation(name)


def test_what_a_package_manager_put_there_is_one_folder_left_out(tmp_path: Path) -> None:
    for name in ("node_modules/a/index.js", "vendor/modules.txt", "vendor/b/b.go", "src/vendor/own.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    items = list(walk(tmp_path))
    assert [item.relative for item in items if isinstance(item, Found)] == ["src/vendor/own.py"]
    assert [(item.path.name, item.reason) for item in items if isinstance(item, Skip)] == [
        ("node_modules", "vendored folder"),
        ("vendor", "vendored folder"),
    ]
