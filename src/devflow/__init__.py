"""DevFlow: a language server that knows the whole codebase."""

__version__ = "0.1.0"
