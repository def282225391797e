"""The methods that are not LSP's but those of Copilot's language server, under its names, so that its clients
can be used unchanged."""

NEXT_EDIT = "textDocument/copilotInlineEdit"
SHOWN = "textDocument/didShowCompletion"
PARTLY_ACCEPTED = "textDocument/didPartiallyAcceptCompletion"
EDIT_SHOWN = "textDocument/didShowInlineEdit"
EDIT_KEPT = "textDocument/reportCachedInlineEdit"
