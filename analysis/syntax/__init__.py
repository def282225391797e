"""Tree-sitter behind code-point offsets: byte offsets never leave this package."""
