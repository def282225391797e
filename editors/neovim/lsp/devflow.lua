-- How Neovim 0.11+ starts DevFlow; `vim.lsp.config('devflow', {...})` in your init.lua changes any of it.

---@type vim.lsp.Config
return {
  cmd = vim.g.devflow_command or { 'devflow-lsp' },
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
