"""The commands, one a file: a file's name is its command's, and its `app` holds the Typer app."""
