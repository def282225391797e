"""One module per LSP method: convert in, one call, convert out."""
