"""What a column of a table may be: one kind a file."""
