"""What may leave the machine, at what price, and what is written down of it."""
