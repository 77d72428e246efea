"""Is everything here that the tool needs, and what to do where it is not."""
