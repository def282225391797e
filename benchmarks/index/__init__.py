"""The index at a million lines: time, size, memory, survival. See `__main__`."""
