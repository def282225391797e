"""What ghost text's stages cost and what they are worth, measured in process: `make bench-inline`."""
