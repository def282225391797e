"""Type engines: who infers what Python names are. Everything they say is evidence."""
