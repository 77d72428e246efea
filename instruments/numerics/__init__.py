"""Each op's error against the float model, measured in one compile."""
