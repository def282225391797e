"""Make docs/devflow-in-neovim.svg: what a real Neovim shows, cell by cell.

`PYTHONPATH=src:tests python tests/editors/picture.py`, after `tests/editors/install.sh`.
"""

from __future__ import annotations

import os
import tempfile
from html import escape
from pathlib import Path
from typing import Any

from support import editors

LINES, COLUMNS = 18, 112
WIDE, HIGH = 8.4, 18.0

FILES = {
    "devflow.toml": "",
    "shapes.py": (
        '"""Shapes and their sizes."""\n\n\ndef rectangle_area(width, height):\n'
        '    """Area of a rectangle in square metres."""\n    return width * height\n\n\n'
        "def rectangle_border(width, height):\n    return 2 * (width + height)\n"
    ),
    "main.py": (
        "import shapes\n\n\ndef small(shape):\n    width, height = shape.size\n"
        "    return shapes.rectangle_area(width, height)\n\n\nprint(shapes.rectangle_area(1, 2, 3))\n\n"
    ),
}
# The popup menu is a grid of its own (4), drawn over the editor's (1).
GRID = (
    "(function() vim.cmd('redraw!') local menu = vim.fn.pum_getpos() local rows = {}"
    " for r = 0, vim.o.lines - 1 do local row = {}"
    " for c = 0, vim.o.columns - 1 do local cell = vim.api.nvim__inspect_cell(1, r, c)"
    " if menu.row and r >= menu.row and r < menu.row + menu.height"
    " and c >= menu.col and c < menu.col + menu.width"
    " then cell = vim.api.nvim__inspect_cell(4, r - menu.row, c - menu.col) end"
    " row[#row + 1] = { cell[1] or ' ', (cell[2] or {}).foreground or -1, (cell[2] or {}).background or -1 }"
    " end rows[#rows + 1] = row end return rows end)()"
)


def main() -> None:
    """Run Neovim and write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            os.environ[variable] = str(folder / ".own" / variable)
        for file, text in FILES.items():
            (folder / file).write_text(text)
        command = ", ".join(f"[==[{word}]==]" for word in editors.server_command())
        arguments = [
            "--clean",
            "--cmd",
            f"lua vim.g.devflow_command = {{ {command} }}",
            "--cmd",
            f"set runtimepath^={editors.ROOT}/editors/neovim lines={LINES} columns={COLUMNS}",
            "--cmd",
            "set termguicolors background=dark number signcolumn=yes noshowmode noruler laststatus=0",
            "--cmd",
            "lua vim.diagnostic.config({ virtual_text = true, update_in_insert = true })",
            "main.py",
        ]
        with editors.neovim(editors.find("nvim"), folder, arguments) as nvim:
            nvim.wait("#vim.diagnostic.get(0) > 0", "the finding")
            nvim.wait("(require('devflow').last_status or {}).state == 'ready'", "the index")
            nvim.keys("Godef large(shape):<CR>width, height = shape.size<CR>return ")
            marks = "vim.api.nvim_create_namespace('nvim.lsp.inline_completion')"
            nvim.again("<Esc>A", f"#vim.api.nvim_buf_get_extmarks(0, {marks}, 0, -1, {{}}) > 0", "ghost text")
            nvim.wait("#vim.diagnostic.get(0) > 0", "the finding, still there")
            ghost = nvim.lua(GRID)
            nvim.keys("<Esc>")
            nvim.wait("vim.fn.mode() == 'n'", "normal mode")
            ghost = _colored(ghost, nvim.lua(GRID))
            # Without the documentation's window, which would take the grid the menu is read from.
            nvim.keys("<Esc>:set completeopt=menuone,noinsert<CR>Sreturn shapes.")
            nvim.again("<C-x><C-o>", "vim.fn.pumvisible() == 1", "completions")
            listed = nvim.lua(GRID)
    (editors.ROOT / "docs/devflow-in-neovim.svg").write_text(_svg([ghost, listed]), "utf-8")


def _colored(ghost: list[list[Any]], without: list[list[Any]]) -> list[list[Any]]:
    """The characters of `ghost` in the colors of the same screen without it, the ghost text in grey: the
    numbers of Neovim's color table do not mean the same on both sides of an inline completion."""
    return [
        [under if under[0] == cell[0] else [cell[0], 0x7C8694, -1] for cell, under in zip(*rows, strict=True)]
        for rows in zip(ghost, without, strict=True)
    ]


def _svg(screens: list[list[list[Any]]]) -> str:
    width, height = COLUMNS * WIDE + 24, len(screens) * (LINES * HIGH + 24)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14">',
        "<title>DevFlow in Neovim: ghost text, a review diagnostic and a completion list</title>",
    ]
    for number, screen in enumerate(screens):
        top = number * (LINES * HIGH + 24)
        parts.append(
            f'<rect x="0" y="{top:.0f}" width="{width:.0f}" height="{LINES * HIGH + 16:.0f}" rx="8" '
            'fill="#14161b"/>'
        )
        for line, row in enumerate(screen):
            parts += _row(row, top + 8 + line * HIGH)
    return "\n".join([*parts, "</svg>", ""])


def _row(row: list[Any], y: float) -> list[str]:
    parts = []
    at = 0
    while at < len(row):
        _, front, back = row[at]
        end = at
        while end < len(row) and row[end][1:] == [front, back]:
            end += 1
        text = "".join(cell[0] for cell in row[at:end])
        x = 12 + at * WIDE
        if back not in (-1, 0x14161B):
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{(end - at) * WIDE:.1f}" height="{HIGH}" '
                f'fill="#{back:06x}"/>'
            )
        if text.strip():
            color = "e0e2ea" if front == -1 else f"{front:06x}"
            parts.append(
                f'<text x="{x:.1f}" y="{y + 13.5:.1f}" fill="#{color}" xml:space="preserve" '
                f'textLength="{(end - at) * WIDE:.1f}">{escape(text)}</text>'
            )
        at = end
    return parts


if __name__ == "__main__":
    main()
