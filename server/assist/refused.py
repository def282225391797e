"""Why an action was not carried out."""

from __future__ import annotations


class ActionRefused(Exception):
    """One sentence for the user: what could not be done, and why."""
