"""From bytes to arrays: the formats; the rest of `data` is what the arrays mean."""
