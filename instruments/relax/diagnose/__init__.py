"""What a failure of this dialect's passes comes from, and the file that reproduces it."""
