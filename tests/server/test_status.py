"""The one sentence of `devflow.status`."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from devflow.models.base import Health, ModelStatus
from devflow.server.status import summary


def sentence(*models: ModelStatus, roots: tuple[str, ...] = ("ws",)) -> tuple[str, str]:
    states = dict.fromkeys(roots, "ready")
    session: Any = SimpleNamespace(
        index_states=states, starting=False, index=object(), roots=roots, left_out=[]
    )
    return summary(session, [], list(models))


def test_without_a_folder_it_is_said_what_works_and_what_does_not() -> None:
    state, text = sentence(ModelStatus("near", "llama", Health.READY), roots=())
    assert state == "limited"
    assert "No folder is open" in text
    assert "open a project's folder" in text


def test_a_model_whose_budget_is_spent_is_not_called_ready() -> None:
    spent = ModelStatus("far", "openai", Health.READY, "The budget is spent.", remote=True, refused=True)
    near = ModelStatus("near", "llama", Health.READY)
    assert sentence(spent) == ("limited", "No model can answer: The budget is spent.")
    assert sentence(spent, near) == ("ready", "Ready, with near.")
