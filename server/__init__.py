"""The server: knows LSP, owns the documents, and puts the layers together."""
