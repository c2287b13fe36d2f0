"""What may be wrong with a table: one kind of finding a file."""
