"""Measures DevFlow and other language servers over the same positions of published packages."""
