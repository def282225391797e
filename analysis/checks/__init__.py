"""Review checks that need the codebase and no model. When in doubt they say nothing."""
