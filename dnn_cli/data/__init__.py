"""From files to arrays that a network can learn from."""
