-- How Neovim 0.11+ starts DevFlow; `vim.lsp.config('devflow', {...})` in your init.lua changes any of it.

-- `devflow setup neovim` writes lua/devflow_command.lua with the full path of the server.
local installed, command = pcall(require, 'devflow_command')

---@type vim.lsp.Config
return {
  cmd = vim.g.devflow_command or (installed and command) or { 'devflow-lsp' },
  filetypes = {
    'c',
    'cpp',
    'cs',
    'go',
    'java',
    'javascript',
    'javascriptreact',
    'python',
    'ruby',
    'rust',
    'typescript',
    'typescriptreact',
  },
  root_markers = {
    { 'devflow.toml', 'pyproject.toml', 'package.json', 'go.mod', 'Cargo.toml', 'pom.xml', 'Gemfile' },
    '.git',
  },
  get_language_id = function(_, filetype)
    return filetype == 'cs' and 'csharp' or filetype
  end,
  capabilities = { experimental = { devflowStatus = true } },
  settings = { devflow = vim.empty_dict() },
}
