"""One file a loss, together with the output activation that belongs to it."""
