"""What the processes of one run, and of later ones, need not make again, found by content."""
