"""Ghost text, stage by stage: trigger, cache, context, prompt, stream, clean, check; `suggest` runs them."""

from devflow.server.assist.inline.suggest import Suggestion, inline

__all__ = ["Suggestion", "inline"]
