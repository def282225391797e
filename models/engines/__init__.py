"""One module per engine; each imports its library inside the functions that need it."""
