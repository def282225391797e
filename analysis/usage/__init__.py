"""What is usually written next, counted in the code itself. `UsageModel` answers, `store` keeps it."""

from devflow.analysis.usage.model import Distribution, Following, UsageModel

__all__ = ["Distribution", "Following", "UsageModel"]
