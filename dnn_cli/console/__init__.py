"""The terminal: the only room that knows rich, and that only where a terminal is there."""
