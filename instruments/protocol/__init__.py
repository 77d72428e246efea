"""What both halves of the project share. Standard library only, Python 3.8."""
