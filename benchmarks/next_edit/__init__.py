"""Measures next edits: `python -m next_edit` (or `make bench-next-edit`)."""
