"""What a run of the tool came to, as plain data, and its files on disk."""
