"""Training: the loop, what it measures and when it stops. It touches no file and no terminal."""
