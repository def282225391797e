"""Why a refactoring is not done."""


class Refused(Exception):
    """The refactoring is not done; the message is one sentence for the user."""


class NotIndexed(Refused):
    """The uses of a name in other files are not known."""
