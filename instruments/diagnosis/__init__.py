"""What a failure comes from: the op, every op's own verdict, the smallest module that fails."""
