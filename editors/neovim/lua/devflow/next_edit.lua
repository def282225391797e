--- The edit that comes next: shown where it would be made, gone to and made by one key. What follows in
--- another file is a hint behind the cursor's line; who goes there is shown the edit.

local M = {}

local METHOD = 'textDocument/copilotInlineEdit'
local DELAY = 200
local namespace = vim.api.nvim_create_namespace('devflow.next_edit')

---@class devflow.NextEdit
---@field text string
---@field range lsp.Range
---@field command lsp.Command
---@field client_id integer
---@field uri? string the file of a place to go to; an edit of the buffer itself has none

--- What is on the screen, by buffer.
---@type table<integer, devflow.NextEdit?>
M.shown = {}
local timers = {} ---@type table<integer, uv.uv_timer_t>

---@param bufnr integer
local function hide(bufnr)
  M.shown[bufnr] = nil
  if vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, namespace, 0, -1)
  end
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param edit devflow.NextEdit
local function show(client, bufnr, edit)
  hide(bufnr)
  edit.client_id = client.id
  local range = vim.range.lsp(bufnr, edit.range, client.offset_encoding)
  local row, column, last_row, last_column = range:to_extmark()
  local lines = vim.split(edit.text, '\n', { plain = true })
  local virtual = {}
  for index = 2, #lines do
    virtual[#virtual + 1] = { { lines[index], 'DiffAdd' } }
  end
  vim.api.nvim_buf_set_extmark(bufnr, namespace, row, column, {
    end_row = last_row,
    end_col = last_column,
    hl_group = 'DiffDelete',
  })
  vim.api.nvim_buf_set_extmark(bufnr, namespace, last_row, last_column, {
    virt_text = { { lines[1], 'DiffAdd' } },
    virt_text_pos = 'inline',
    virt_lines = #virtual > 0 and virtual or nil,
  })
  M.shown[bufnr] = edit
  client:notify('textDocument/didShowInlineEdit', { item = { command = edit.command } })
end

--- The key that takes what is shown.
---@return string
function M.key()
  return vim.g.devflow_next_edit_key or '<M-n>'
end

---@param client vim.lsp.Client
---@param bufnr integer
---@param jump devflow.NextEdit
local function show_jump(client, bufnr, jump)
  hide(bufnr)
  jump.client_id = client.id
  local name = vim.fn.fnamemodify(vim.uri_to_fname(jump.uri), ':.')
  local hint = ('→ %s:%d  %s (%s)'):format(name, jump.range.start.line + 1, jump.command.title, M.key())
  vim.api.nvim_buf_set_extmark(bufnr, namespace, vim.api.nvim_win_get_cursor(0)[1] - 1, 0, {
    virt_text = { { hint, 'Comment' } },
    virt_text_pos = 'eol',
  })
  M.shown[bufnr] = jump
end

---@param client vim.lsp.Client
---@param bufnr integer
function M.request(client, bufnr)
  if not vim.api.nvim_buf_is_loaded(bufnr) or bufnr ~= vim.api.nvim_get_current_buf() then
    return
  end
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  local version = vim.lsp.util.buf_versions[bufnr]
  params.textDocument.version = version
  client:request(METHOD, params, function(failure, answer)
    if failure or vim.lsp.util.buf_versions[bufnr] ~= version then
      return
    end
    answer = type(answer) == 'table' and answer or {}
    local edit, jump = (answer.edits or {})[1], (answer.jumps or {})[1]
    if edit then
      show(client, bufnr, edit)
    elseif jump and jump.command and bufnr == vim.api.nvim_get_current_buf() then
      show_jump(client, bufnr, jump)
    else
      hide(bufnr)
    end
  end, bufnr)
end

--- Go to the edit that is shown; being there already, make it.
---@return boolean done whether there was one
function M.take()
  local bufnr = vim.api.nvim_get_current_buf()
  local edit = M.shown[bufnr]
  local client = edit and vim.lsp.get_client_by_id(edit.client_id)
  if not edit or not client then
    return false
  end
  if edit.uri then
    hide(bufnr)
    client:exec_cmd(edit.command, { bufnr = bufnr })
    -- The buffer that is entered asks what is to be done in it.
    vim.cmd("normal! m'")
    vim.lsp.util.show_document(edit, client.offset_encoding, { focus = true, reuse_win = true })
    M.request_soon(client, vim.api.nvim_get_current_buf())
    return true
  end
  local row, column = vim.range.lsp(bufnr, edit.range, client.offset_encoding):to_cursor()
  if vim.api.nvim_win_get_cursor(0)[1] ~= row then
    vim.cmd("normal! m'")
    vim.api.nvim_win_set_cursor(0, { row, column })
    return true
  end
  hide(bufnr)
  vim.lsp.util.apply_text_edits({ { range = edit.range, newText = edit.text } }, bufnr, client.offset_encoding)
  client:exec_cmd(edit.command, { bufnr = bufnr })
  return true
end

--- Send the edit that is shown away; it is not offered again.
function M.reject()
  local bufnr = vim.api.nvim_get_current_buf()
  local edit = M.shown[bufnr]
  local client = edit and vim.lsp.get_client_by_id(edit.client_id)
  if edit and client then
    hide(bufnr)
    client:exec_cmd({
      title = 'Reject',
      command = 'devflow.rejected',
      arguments = edit.command.arguments,
    }, { bufnr = bufnr })
  end
end

--- Ask after a pause.
---@param client vim.lsp.Client
---@param bufnr integer
function M.request_soon(client, bufnr)
  if timers[bufnr] and not timers[bufnr]:is_closing() then
    timers[bufnr]:stop()
    timers[bufnr]:close()
  end
  timers[bufnr] = vim.defer_fn(function()
    M.request(client, bufnr)
  end, DELAY)
end

--- Ask after each pause in which the buffer is left changed, and when it is entered: what was changed in
--- another one may go on there.
---@param client vim.lsp.Client
---@param bufnr integer
function M.attach(client, bufnr)
  local group = vim.api.nvim_create_augroup('devflow.next_edit.' .. bufnr, { clear = true })
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, {
    group = group,
    buffer = bufnr,
    callback = function()
      hide(bufnr)
      M.request_soon(client, bufnr)
    end,
  })
  vim.api.nvim_create_autocmd('BufEnter', {
    group = group,
    buffer = bufnr,
    callback = function()
      if not M.shown[bufnr] then
        M.request_soon(client, bufnr)
      end
    end,
  })
  M.request_soon(client, bufnr)
  vim.api.nvim_create_autocmd('BufDelete', {
    group = group,
    buffer = bufnr,
    callback = function()
      M.shown[bufnr] = nil
    end,
  })
end

return M
