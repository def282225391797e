"""What a session learns from what became of its suggestions: which ghost text is worth showing, what was
refused and is not offered again, kept in the store of `models.feedback`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from devflow.models.feedback import REFUSED, TAKEN, Action, Feedback
from devflow.server.assist.memory import Memory
from devflow.server.assist.next_edit.offers import Offers
from devflow.server.suggestions import Shown, Suggestions

REFUSED_FOR = 14 * 86_400.0
"""Seconds for which ghost text or a next edit that was refused is not offered again there, over sessions."""


class Learning:
    """Teaches `memory` and `offers` what the user makes of `suggestions`."""

    def __init__(
        self,
        suggestions: Suggestions,
        offers: Offers,
        memory: Memory,
        make: Callable[[], Feedback] | None,
    ) -> None:
        """`make` gives the store of this workspace, not open yet; None keeps nothing over sessions."""
        self._suggestions = suggestions
        self._offers = offers
        self._memory = memory
        self._make = make
        suggestions.on_end.append(self._ended)

    async def keep(self, record: bool) -> None:
        """Open the store of what became of suggestions and learn from it, or close it where the user wants
        none recorded."""
        make = self._make if record else None
        old = self._suggestions.feedback
        if (make is not None) == (old.path is not None):
            return

        def opened() -> Feedback:
            old.close()
            store = make() if make is not None else Feedback(None)
            store.open()
            return store

        store = await asyncio.to_thread(opened)
        store.take_over(old)
        self._suggestions.feedback = store
        await asyncio.to_thread(self._learn_from, store)

    def _learn_from(self, store: Feedback) -> None:
        trials = store.trials()
        refused = store.refused(time.time() - REFUSED_FOR)
        if trials or refused:
            from devflow.server.assist.inline.ghost import Refused, learn, remember

            learn(self._memory, [(trial.features, trial.accepted) for trial in trials])
            known = Refused(frozenset(refused), store.digest)
            remember(self._memory, known)
            self._offers.refused = known.holds

    def _ended(self, shown: Shown, action: Action) -> None:
        if shown.kind == "next-edit":
            if action is Action.ACCEPTED:
                self._offers.accepted(shown.id)
            elif action in REFUSED:
                self._offers.rejected(shown.id)
        elif shown.kind == "inline" and not shown.taken and action is not Action.IGNORED:
            # Of an item in a list only a yes would be heard, so it says nothing of how likely one is.
            from devflow.server.assist.inline.ghost import became  # there since it was shown

            became(self._memory, shown.uri, shown.text, shown.features, accepted=action in TAKEN)
