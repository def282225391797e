"""Why a refactoring is not done."""


class Refused(Exception):
    """The refactoring is not done; the message is one sentence for the user."""
