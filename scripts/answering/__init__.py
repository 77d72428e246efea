"""docs/answers.md: what is known (facts), taken from runs (distilled), and told (page)."""
