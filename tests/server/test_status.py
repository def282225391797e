"""The one sentence of `devflow.status`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from devflow.models.base import Health, ModelStatus
from devflow.server.status import summary


def sentence(*models: ModelStatus) -> tuple[str, str]:
    session: Any = SimpleNamespace(index_states={}, starting=False, index=object(), roots=[])
    return summary(session, [], list(models))


def test_a_model_whose_budget_is_spent_is_not_called_ready() -> None:
    spent = ModelStatus("far", "openai", Health.READY, "The budget is spent.", remote=True, refused=True)
    near = ModelStatus("near", "llama", Health.READY)
    assert sentence(spent) == ("limited", "No model can answer: The budget is spent.")
    assert sentence(spent, near) == ("ready", "Ready, with near.")
