"""Configurations and clients for the editors; `devflow setup` reads them from here."""
