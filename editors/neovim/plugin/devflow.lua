if vim.g.loaded_devflow then
  return
end
vim.g.loaded_devflow = true

if vim.fn.has('nvim-0.11') == 0 then
  vim.notify('DevFlow needs Neovim 0.11 or newer; ghost text needs 0.12.', vim.log.levels.WARN)
  return
end

local devflow = require('devflow')

devflow.install_handlers()

vim.api.nvim_create_autocmd('LspAttach', {
  group = vim.api.nvim_create_augroup('devflow', { clear = true }),
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'devflow' then
      devflow.on_attach(client, event.buf)
    end
  end,
})

vim.api.nvim_create_user_command('DevFlow', devflow.command, {
  nargs = '+',
  range = true,
  desc = 'Ask DevFlow: explain, ask, search, review, reindex, snooze, status, why',
  complete = function(lead, line)
    return #vim.split(vim.trim(line), '%s+') > 2 and {} or devflow.complete(lead)
  end,
})

vim.lsp.enable('devflow')
