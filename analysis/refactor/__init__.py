"""Deterministic refactorings: syntax trees in, edits out."""
