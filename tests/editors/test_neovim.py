"""The real Neovim with our plugin and our server: what a user sees."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import editors, fixture

pytestmark = pytest.mark.editor

CASE = fixture.parse(
    """
    #- shapes.py
    \"\"\"Shapes and their sizes.\"\"\"


    def rectangle_area(width, height):
        \"\"\"Area of a rectangle in square metres.\"\"\"
        return width * height


    #- main.py
    from shapes import rectangle_area

    rectangle_area(1, 2, 3)
    size = rectangle_area(5, 6)


    def small(shape):
        width, height = shape.size
        return rectangle_area(width, height)


    def middle(shape):
        width, height = shape.size
        return rectangle_area(width, height)
    """
)


@pytest.fixture(scope="module")
def program() -> editors.Program:
    nvim = editors.find("nvim")
    version = tuple(int(part) for part in re.findall(r"\d+", nvim.run("--version").stdout)[:2])
    if version < (0, 12):
        pytest.skip(f"Neovim {version[0]}.{version[1]} has no ghost text; `make test-editors` installs 0.12")
    return nvim


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "a work space"
    folder.mkdir()
    (folder / "devflow.toml").write_text("")
    for name, text in CASE.files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def editor(program: editors.Program, workspace: Path) -> Iterator[editors.Neovim]:
    command = ", ".join(f"'{word}'" for word in editors.server_command())
    plugin = editors.ROOT / "editors/neovim"
    arguments = [
        "--clean",
        "--cmd",
        f"lua vim.g.devflow_command = {{ {command} }}",
        "--cmd",
        f"set runtimepath^={str(plugin).replace(' ', chr(92) + ' ')}",
        "main.py",
    ]
    with editors.neovim(program, workspace, arguments) as running:
        running.wait(
            "#vim.lsp.get_clients({ name = 'devflow', bufnr = 0 }) > 0"
            " and vim.lsp.get_clients({ name = 'devflow' })[1].initialized",
            "the server's start",
        )
        running.wait(
            "not vim.list_contains({ '', 'starting', 'indexing' },"
            " (require('devflow').last_status or { state = '' }).state)",
            "the index",
        )
        yield running


def test_completion_offers_a_name_of_another_file(editor: editors.Neovim) -> None:
    editor.keys("Gorectangle_a")
    words = editor.again(
        "<C-x><C-o>",
        "#vim.fn.complete_info({'items'}).items > 0"
        " and vim.tbl_map(function(i) return i.word end, vim.fn.complete_info({'items'}).items)",
        "the list of completions",
    )
    assert any(word.startswith("rectangle_area") for word in words)


def test_a_list_that_opens_by_itself_inserts_nothing(editor: editors.Neovim) -> None:
    editor.keys("Goimport shapes<CR>shapes")
    for line in ("shapes.", "shapes.r"):
        editor.keys(line[-1])
        # The key is typed when it is on the line; until then the list is the one from before it.
        shown = f"vim.api.nvim_get_current_line() == '{line}' and vim.fn.pumvisible() == 1"
        editor.wait(shown, "the list")
    editor.again("<C-n>", "vim.fn.complete_info({'selected'}).selected >= 0", "a row that is chosen")
    editor.keys("<C-y>")
    chosen = "vim.api.nvim_get_current_line() ~= 'shapes.r' and vim.api.nvim_get_current_line()"
    assert str(editor.wait(chosen, "what was chosen")).startswith("shapes.rectangle_area")


def test_tab_accepts_the_ghost_text_that_is_shown(editor: editors.Neovim) -> None:
    editor.keys("Go<CR><CR><C-u>def large(shape):<CR>width, height = shape.size<CR>return ")
    shown = editor.again(
        "<Esc>A",
        "(function() for _, m in ipairs(vim.api.nvim_buf_get_extmarks(0,"
        " vim.api.nvim_create_namespace('nvim.lsp.inline_completion'), 0, -1, {details = true})) do"
        " return m[4].virt_text and m[4].virt_text[1][1] end end)()",
        "ghost text",
    )
    editor.keys("<Tab>")
    line = editor.wait(
        "vim.api.nvim_get_current_line() ~= '    return ' and vim.api.nvim_get_current_line()",
        "the accepted text",
    )
    assert line.startswith("    return rectangle_area")
    assert shown.strip().split("\n")[0] in line


GHOST = (
    "(function() for _, m in ipairs(vim.api.nvim_buf_get_extmarks(0,"
    " vim.api.nvim_create_namespace('nvim.lsp.inline_completion'), 0, -1, {details = true})) do"
    " return m[4].virt_text and m[4].virt_text[1][1] end end)()"
)


def ghost(editor: editors.Neovim) -> str:
    """The ghost text behind `return ` in a new function."""
    editor.keys("Go<CR><CR><C-u>def large(shape):<CR>width, height = shape.size<CR>return ")
    return str(editor.again("<Esc>A", GHOST, "ghost text"))


def test_ghost_text_is_accepted_by_the_word_and_vanishes_when_it_should(editor: editors.Neovim) -> None:
    ghost(editor)
    editor.keys("<C-Right>")
    changed = "vim.api.nvim_get_current_line() ~= '    return ' and vim.api.nvim_get_current_line()"
    assert editor.wait(changed, "the accepted word") == "    return rectangle_area"
    editor.keys("<Esc>dd")
    ghost(editor)
    editor.keys("<Esc>")
    editor.wait(f"not {GHOST}", "the end of the ghost text with that of insert mode")
    editor.again("A", GHOST, "ghost text again")
    editor.keys("7")
    typed = "vim.api.nvim_get_current_line():sub(-1) == '7'"
    editor.wait(f"{typed} and not {GHOST}", "the end of the ghost text when something else is typed")


def test_a_renamed_function_is_renamed_where_it_is_called_by_one_key(editor: editors.Neovim) -> None:
    editor.keys("Gosmall(1)<Esc>")
    shown = "vim.tbl_count(require('devflow.next_edit').shown)"
    editor.keys(":%s/def small/def tiny/<CR>")
    editor.wait(f"{shown} == 1", "the next edit")
    editor.keys("<M-n><M-n>")
    line = editor.wait(
        "vim.api.nvim_buf_get_lines(0, -2, -1, false)[1] ~= 'small(1)'"
        " and vim.api.nvim_buf_get_lines(0, -2, -1, false)[1]",
        "the edit",
    )
    assert line == "tiny(1)"


HINT = (
    "(function() for _, m in ipairs(vim.api.nvim_buf_get_extmarks(0,"
    " vim.api.nvim_create_namespace('devflow.next_edit'), 0, -1, {details = true})) do"
    " if m[4].virt_text and m[4].virt_text_pos == 'eol' then return m[4].virt_text[1][1] end end end)()"
)


def test_a_changed_signature_leads_to_the_call_in_the_other_file_and_there_to_the_edit(
    editor: editors.Neovim,
) -> None:
    editor.keys(":edit shapes.py<CR>")
    editor.wait("#vim.lsp.get_clients({ name = 'devflow', bufnr = 0 }) > 0", "the server in the other file")
    # What is looked at here is the way there: the same name is there to be passed.
    editor.keys(":%s/width, height)/width, height, shape)/<CR>")
    hint = editor.wait(HINT, "the hint")
    assert hint.startswith("→ main.py:4 ")
    assert "Pass shape, which is new" in hint
    editor.keys("<M-n>")
    place = "vim.fn.expand('%:t') == 'main.py' and vim.fn.line('.')"
    assert editor.wait(place, "the other file") == 4
    editor.wait("(require('devflow.next_edit').shown[vim.api.nvim_get_current_buf()] or {}).text", "the edit")
    editor.keys("<M-n><M-n>")
    line = "vim.fn.getline(9) ~= '    return rectangle_area(width, height)' and vim.fn.getline(9)"
    assert editor.wait(line, "the edit made") == "    return rectangle_area(width, height, shape)"


def test_ghost_text_is_snoozed_and_the_reason_told(editor: editors.Neovim) -> None:
    editor.keys(":DevFlow snooze 5<CR>")
    editor.wait("require('devflow').status_text():find('snoozed') ~= nil", "the snooze")
    editor.keys("Go<CR><CR><C-u>def large(shape):<CR>width, height = shape.size<CR>return ")
    asked = (
        "(function() local text = ''; vim.lsp.get_clients({ name = 'devflow' })[1]:request("
        "'workspace/executeCommand', { command = 'devflow.why' }, function(_, answer)"
        " text = answer and answer.markdown or '' end); vim.wait(2000, function() return text ~= '' end);"
        " return text:lower():find('snooze') ~= nil end)()"
    )
    editor.wait(asked, "the reason of the silence")
    assert not editor.lua(GHOST)
    editor.keys("<Esc>:DevFlow snooze 0<CR>")
    editor.wait("require('devflow').status_text():find('snoozed') == nil", "the end of the snooze")


def test_hover_shows_signature_and_documentation(editor: editors.Neovim) -> None:
    card = editor.again(
        "4G0frK",
        "(function() for _, w in ipairs(vim.api.nvim_list_wins()) do"
        " if vim.api.nvim_win_get_config(w).relative ~= '' then"
        " return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(w), 0, -1, false), '\\n')"
        " end end end)()",
        "the hover card",
    )
    assert "rectangle_area" in card
    assert "square metres" in card


def test_a_call_that_cannot_fit_is_a_diagnostic(editor: editors.Neovim) -> None:
    found = editor.wait(
        "#vim.diagnostic.get(0) > 0 and vim.tbl_map(function(d)"
        " return { d.lnum, d.source, d.code, d.message } end, vim.diagnostic.get(0))",
        "diagnostics",
    )
    assert (2, "devflow") in [(line, source) for line, source, *_ in found]


def test_definition_opens_the_other_file_at_the_name(editor: editors.Neovim, workspace: Path) -> None:
    name, line, column = editor.again(
        "4G0fr<C-]>",
        "vim.fn.expand('%:t') == 'shapes.py' and { vim.fn.expand('%:t'), vim.fn.line('.'), vim.fn.col('.') }",
        "the other file",
    )
    assert (name, line, column) == ("shapes.py", 4, 5)


def test_the_status_command_tells_what_the_server_does(editor: editors.Neovim) -> None:
    editor.keys(":DevFlow status<CR>")
    text = editor.wait(
        "vim.fn.bufname('%') == 'devflow://status'"
        " and table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')",
        "the status window",
    )
    assert any(state in text for state in ("starting", "indexing", "ready", "limited"))


def test_search_fills_the_quickfix_list(editor: editors.Neovim) -> None:
    editor.again(
        ":DevFlow search area of a rectangle<CR>",
        "vim.list_contains(vim.tbl_map(function(i)"
        " return vim.fs.basename(vim.fn.bufname(i.bufnr)) end, vim.fn.getqflist()), 'shapes.py')",
        "a hit in shapes.py",
    )


def test_the_server_ends_when_the_editor_does(
    program: editors.Program, workspace: Path, editor: editors.Neovim
) -> None:
    pid = editor.lua("vim.lsp.get_clients({ name = 'devflow' })[1].rpc and vim.fn.getpid()")
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("this system does not list a process's children")
    servers = [int(child) for child in children.read_text().split()]
    assert servers
    editor.keys(":qall!<CR>")
    editor.process.wait(editors.PATIENCE)
    editors.until(lambda: not any(_alive(child) for child in servers), "the server's end")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
