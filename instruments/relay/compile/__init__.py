"""From what a person typed to a compiled model that ran."""
