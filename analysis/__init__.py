"""What the code says: text, syntax, symbols, references, usage. No LSP, no models, no network."""
