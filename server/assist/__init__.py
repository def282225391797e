"""What the assistant does, free of LSP: an MCP or HTTP front end could call it too."""
