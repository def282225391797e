"""The exceptions of the models layer.

ModelError              one sentence for the user: what failed, on what, what to do
├── NotAllowed          the egress policy or a path rule forbids the call
│   └── OverBudget      it would cost more than the user's budget leaves
├── NotConfigured       no model is configured for the task, or its key or file is missing
│   └── NoRoom          there is no memory for it at the moment
├── NotInstalled        the engine's library is not installed
├── Unsendable          the request cannot be written down for the wire; nothing was sent
├── Unreachable         the provider refused, timed out or cut the connection
│   ├── Silent          nothing came within `models.timeout_s`
│   └── Stalled         it stopped in the middle of an answer for longer than it is waited for
├── TooLate             the deadline of the request passed before the answer was whole
├── RateLimited         the provider asks to wait (`retry_after` seconds, when it says so)
├── Rejected            the provider understood and refused (bad request, context too long)
│   └── KeyRefused      for the key it was sent: wrong, revoked, or not for this model
└── WorkerDied          a native engine's process ended; it is being restarted
"""

from __future__ import annotations


class ModelError(Exception):
    """A failure the user can be told in one sentence; everything else is a bug."""

    said = ""
    """The part of the sentence that is the provider's own words."""


class NotAllowed(ModelError):
    """The egress policy or a path rule forbids the call."""


class OverBudget(NotAllowed):
    """It would cost more than the user's budget leaves. `final`: nobody else is to be asked instead."""

    def __init__(self, message: str, *, final: bool = False) -> None:
        super().__init__(message)
        self.final = final


class NotConfigured(ModelError):
    """No model is configured for the task, or its key or file is missing."""


class NoRoom(NotConfigured):
    """There is no memory for the model while others hold it."""


class NotInstalled(ModelError):
    """The engine's library is not installed."""


class Unsendable(ModelError):
    """The request cannot be written down for the wire; nothing was sent, and the server is not to blame."""


class Unreachable(ModelError):
    """The provider refused, timed out or cut the connection."""


class Silent(Unreachable):
    """Nothing came within `models.timeout_s`: who has waited that long does not wait as long again."""


class Stalled(Unreachable):
    """It stopped in the middle of an answer for longer than it is waited for, and was left."""


class TooLate(ModelError):
    """The deadline of the request passed before the answer was whole."""


class RateLimited(ModelError):
    """The provider asks to wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Rejected(ModelError):
    """The provider understood and refused."""


class KeyRefused(Rejected):
    """The provider takes no request with this key, so the user has to do something."""


class WorkerDied(ModelError):
    """A native engine's process ended; it is being restarted."""
