--- What DevFlow adds to Neovim's own LSP client: `:DevFlow`, and a place for long answers.
---
--- Everything else (completion, ghost text, hover, definition, rename, code actions, diagnostics)
--- is Neovim's own.

local M = {}

local NAME = 'devflow'

---@class devflow.Status
---@field state string
---@field text string
---@field details? string

--- The last status the server sent, for a statusline: `require('devflow').status_text()`.
---@type devflow.Status?
M.last_status = nil

--- When ghost text comes back, in seconds of the system's clock.
M.snoozed_until = 0

---@param message string
---@param level? integer
local function say(message, level)
  vim.notify('DevFlow: ' .. message, level or vim.log.levels.INFO)
end

---@param bufnr? integer
---@return vim.lsp.Client?
local function client_of(bufnr)
  local client = vim.lsp.get_clients({ name = NAME, bufnr = bufnr or 0 })[1]
    or vim.lsp.get_clients({ name = NAME })[1]
  if not client then
    say('no server runs here. Open a source file, and see :checkhealth vim.lsp.', vim.log.levels.WARN)
  end
  return client
end

--- Show Markdown in a scratch window; `q` closes it.
---@param title string
---@param markdown string
---@return integer bufnr
function M.show(title, markdown)
  local name = 'devflow://' .. title
  local bufnr = vim.fn.bufnr('^' .. vim.fn.escape(name, '[]*?{}') .. '$')
  if bufnr == -1 then
    bufnr = vim.api.nvim_create_buf(false, true)
    vim.api.nvim_buf_set_name(bufnr, name)
    vim.bo[bufnr].buftype = 'nofile'
    vim.bo[bufnr].swapfile = false
    vim.keymap.set('n', 'q', '<Cmd>close<CR>', { buffer = bufnr, desc = 'Close this window' })
  end
  vim.bo[bufnr].modifiable = true
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, vim.split(vim.trim(markdown), '\r?\n'))
  vim.bo[bufnr].modifiable = false
  vim.bo[bufnr].filetype = 'markdown'
  local window = vim.fn.bufwinid(bufnr)
  if window == -1 then
    window = vim.api.nvim_open_win(bufnr, true, { split = 'below', height = math.floor(vim.o.lines / 3) })
    vim.wo[window].wrap = true
    vim.wo[window].linebreak = true
  else
    vim.api.nvim_set_current_win(window)
  end
  return bufnr
end

--- Run a server command; `done` gets the answer. A failure is told to the user.
---@param command string
---@param arguments any[]
---@param done fun(answer: any, client: vim.lsp.Client)
local function execute(command, arguments, done)
  local client = client_of()
  if not client then
    return
  end
  client:request('workspace/executeCommand', { command = command, arguments = arguments }, function(failure, answer)
    if failure then
      say(failure.message or 'the server gave no answer.', vim.log.levels.ERROR)
    else
      done(answer, client)
    end
  end)
end

---@param answer any
---@return string
local function markdown_of(answer)
  if type(answer) == 'table' then
    answer = answer.markdown
  end
  return type(answer) == 'string' and answer or ''
end

---@param title string
---@return fun(answer: any)
local function shows(title)
  return function(answer)
    local markdown = markdown_of(answer)
    if markdown == '' then
      say('there is no answer to show.', vim.log.levels.WARN)
    else
      M.show(title, markdown)
    end
  end
end

--- Explain the lines of `range`, or the symbol under the cursor.
---@param range? { [1]: integer, [2]: integer } first and last line, counted from 1
function M.explain(range)
  local client = client_of()
  if not client then
    return
  end
  local params
  if range then
    local last = vim.api.nvim_buf_get_lines(0, range[2] - 1, range[2], false)[1] or ''
    params = vim.lsp.util.make_given_range_params({ range[1], 0 }, { range[2], #last }, 0, client.offset_encoding)
  else
    params = vim.lsp.util.make_range_params(0, client.offset_encoding)
  end
  execute('devflow.explain', { { uri = params.textDocument.uri, range = params.range } }, shows('explanation'))
end

--- Answer a question about the workspace.
---@param question string
function M.ask(question)
  execute('devflow.ask', { question }, shows('answer'))
end

--- Find code by its meaning; the hits go to the quickfix list.
---@param query string
function M.search(query)
  execute('devflow.search', { query }, function(answer, client)
    local hits = type(answer) == 'table' and (answer.hits or answer) or {}
    local entries = {}
    for _, hit in ipairs(hits) do
      local items = vim.lsp.util.locations_to_items({ hit.location }, client.offset_encoding)
      for _, item in ipairs(items) do
        item.text = hit.title or item.text
        entries[#entries + 1] = item
      end
    end
    if #entries == 0 then
      local why = type(answer) == 'table' and answer.reason or ''
      say(vim.trim(('nothing in the workspace fits %q. %s'):format(query, why)), vim.log.levels.WARN)
      return
    end
    vim.fn.setqflist({}, ' ', { title = 'DevFlow: ' .. query, items = entries })
    vim.cmd('botright copen')
  end)
end

--- Review the current file; the findings are diagnostics.
function M.review()
  local uri = vim.uri_from_bufnr(0)
  say('reviewing ...')
  execute('devflow.review', { { uri = uri } }, function(answer)
    local count = type(answer) == 'table' and answer.findings
    if type(count) == 'table' then
      count = #count
    end
    say(count == 0 and 'nothing was found.' or ('%s found, shown as diagnostics.'):format(count or 'see what was'))
  end)
end

--- Build the index of the workspace again.
function M.reindex()
  execute('devflow.reindex', {}, function()
    say('the workspace is being indexed again.')
  end)
end

--- Show what the last ghost text was made of, and why there was none the last time.
function M.why()
  execute('devflow.why', {}, shows('why'))
end

--- Have no ghost text for a while.
---@param minutes? string|number 30 when none are given; 0 brings it back
function M.snooze(minutes)
  local number = tonumber(minutes) or ((minutes == nil or minutes == '') and 30)
  if not number then
    say(('%q is no number of minutes.'):format(minutes), vim.log.levels.ERROR)
    return
  end
  execute('devflow.snooze', { number }, function()
    M.snoozed_until = os.time() + 60 * number
    say(number > 0 and ('no ghost text for %g minutes.'):format(number) or 'ghost text is back.')
    vim.cmd.redrawstatus()
  end)
end

--- Show what the server is doing, with what.
function M.status()
  execute('devflow.status', {}, function(answer)
    if type(answer) == 'table' then
      M.last_status = answer
      local details = answer.details or ''
      M.show('status', ('**%s**\n\n%s\n\n%s'):format(answer.state or '', answer.text or '', details))
    else
      shows('status')(answer)
    end
  end)
end

--- One short text for a statusline; empty while nothing is known.
---@return string
function M.status_text()
  local status = M.last_status
  local snoozed = M.snoozed_until > os.time() and ', snoozed' or ''
  return status and ('DevFlow: ' .. (status.state or '') .. snoozed) or ''
end

--- Accept the ghost text that is shown; used by the mapping.
---@return boolean accepted
function M.accept()
  return vim.lsp.inline_completion ~= nil and vim.lsp.inline_completion.get()
end

---@param part_of fun(rest: string): string? the part of the text still to come that is accepted
---@return boolean accepted
local function accept_part(part_of)
  if not vim.lsp.inline_completion then
    return false
  end
  return vim.lsp.inline_completion.get({
    on_accept = function(item)
      if type(item.insert_text) ~= 'string' or not item.range then
        return item
      end
      local row, column, last_row, last_column = item.range:to_extmark()
      local here = vim.api.nvim_win_get_cursor(0)
      local at_row, at_column = here[1] - 1, here[2]
      local buffer = vim.api.nvim_get_current_buf()
      local typed = table.concat(vim.api.nvim_buf_get_text(buffer, row, column, at_row, at_column, {}), '\n')
      if not vim.startswith(item.insert_text, typed) then
        return item
      end
      local rest = item.insert_text:sub(#typed + 1)
      local part = part_of(rest) or rest
      if part == rest then
        return item
      end
      -- Not all of it: what is behind the cursor stays, and the server sees by the edit what was taken.
      vim.api.nvim_buf_set_text(buffer, at_row, at_column, at_row, at_column, vim.split(part, '\n'))
      local lines = vim.split(part, '\n')
      local column_after = (#lines == 1 and at_column or 0) + #lines[#lines]
      vim.api.nvim_win_set_cursor(0, { at_row + #lines, column_after })
      return nil
    end,
  })
end

--- Accept the next word of the ghost text.
---@return boolean accepted
function M.accept_word()
  return accept_part(function(rest)
    return rest:match('^%s*[%w_]+') or rest:match('^%s*[^%w_%s]+')
  end)
end

--- Accept the ghost text up to the end of its line.
---@return boolean accepted
function M.accept_line()
  return accept_part(function(rest)
    return rest:match('^[\r\n]*[^\r\n]+')
  end)
end

---@param lhs string
---@return boolean
local function is_users_own(lhs)
  local mapping = vim.fn.maparg(lhs, 'i', false, true)
  if vim.tbl_isempty(mapping) then
    return false
  end
  -- Neovim itself maps <Tab> to jump in snippets; the mapping below does that too.
  return not vim.startswith(mapping.desc or '', 'vim.snippet')
end

---@param bufnr integer
local function map_ghost_text(bufnr)
  local accept = vim.g.devflow_accept_key
  if accept == nil then
    accept = '<Tab>'
  end
  local function map(lhs, action, description)
    vim.keymap.set('i', lhs, action, { buffer = bufnr, expr = true, desc = description })
  end
  if accept and not is_users_own(accept) then
    map(accept, function()
      if M.accept() then
        return ''
      end
      if accept == '<Tab>' and vim.snippet.active({ direction = 1 }) then
        return '<Cmd>lua vim.snippet.jump(1)<CR>'
      end
      return accept
    end, 'Accept the ghost text')
  end
  for lhs, part in pairs({ ['<C-Right>'] = 'word', ['<C-End>'] = 'line' }) do
    if not is_users_own(lhs) then
      map(lhs, function()
        return M['accept_' .. part]() and '' or lhs
      end, 'Accept a ' .. part .. ' of the ghost text')
    end
  end
  for lhs, count in pairs({ ['<M-]>'] = 1, ['<M-[>'] = -1 }) do
    if not is_users_own(lhs) then
      map(lhs, function()
        vim.lsp.inline_completion.select({ count = count })
        return ''
      end, count > 0 and 'Next ghost text' or 'Previous ghost text')
    end
  end
end

--- Neovim's own 'completeopt' writes the first item into the text as the list opens, which it does by itself
--- here: `shapes.` and the next key would be `shapes.areawidth`. A value that says otherwise is left alone.
---@param bufnr integer
local function keep_typed(bufnr)
  local options = vim.split(vim.o.completeopt, ',')
  if not (vim.list_contains(options, 'noselect') or vim.list_contains(options, 'noinsert')) then
    vim.bo[bufnr].completeopt = vim.o.completeopt .. ',menuone,noselect'
  end
end

--- Called for each buffer the server is attached to.
---@param client vim.lsp.Client
---@param bufnr integer
function M.on_attach(client, bufnr)
  if vim.lsp.inline_completion and client:supports_method('textDocument/inlineCompletion', bufnr) then
    vim.lsp.inline_completion.enable(true, { bufnr = bufnr })
    map_ghost_text(bufnr)
  end
  local key = vim.g.devflow_next_edit_key
  if key ~= false and vim.fn.has('nvim-0.12') == 1 then
    local next_edit = require('devflow.next_edit')
    next_edit.attach(client, bufnr)
    vim.keymap.set({ 'n', 'i' }, next_edit.key(), next_edit.take, { buffer = bufnr, desc = 'Take the next edit' })
  end
  if vim.g.devflow_autotrigger ~= false and client:supports_method('textDocument/completion', bufnr) then
    vim.lsp.completion.enable(true, client.id, bufnr, { autotrigger = true })
    keep_typed(bufnr)
  end
end

local SUBCOMMANDS = {
  ask = function(words)
    return M.ask(words)
  end,
  explain = function(_, range)
    return M.explain(range)
  end,
  reindex = function()
    return M.reindex()
  end,
  review = function()
    return M.review()
  end,
  search = function(words)
    return M.search(words)
  end,
  snooze = function(words)
    return M.snooze(words)
  end,
  status = function()
    return M.status()
  end,
  why = function()
    return M.why()
  end,
}
local NEEDS_WORDS = { ask = 'What do you want to know? ', search = 'Search for: ' }

--- The `:DevFlow` command.
---@param arguments { fargs: string[], range: integer, line1: integer, line2: integer }
function M.command(arguments)
  local name = arguments.fargs[1]
  local run = SUBCOMMANDS[name]
  if not run then
    say(('unknown command %q; known are %s.'):format(name, table.concat(M.complete(''), ', ')), vim.log.levels.ERROR)
    return
  end
  local words = table.concat(arguments.fargs, ' ', 2)
  if NEEDS_WORDS[name] and words == '' then
    vim.ui.input({ prompt = NEEDS_WORDS[name] }, function(input)
      if input and input ~= '' then
        run(input)
      end
    end)
    return
  end
  run(words, arguments.range > 0 and { arguments.line1, arguments.line2 } or nil)
end

--- Names of `:DevFlow` commands that start with `lead`.
---@param lead string
---@return string[]
function M.complete(lead)
  local names = vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, vim.tbl_keys(SUBCOMMANDS))
  table.sort(names)
  return names
end

--- Handlers for what only DevFlow sends.
function M.install_handlers()
  vim.lsp.handlers['devflow/status'] = function(_, status)
    M.last_status = status
    vim.cmd.redrawstatus()
  end
  -- A code action that explains carries this command; its answer wants to be seen.
  vim.lsp.commands['devflow.explain'] = function(command)
    execute(command.command, command.arguments or {}, shows('explanation'))
  end
end

return M
