"""One file a rule for first values; a number drawn depends on the seed and the slot alone."""
