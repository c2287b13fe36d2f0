"""One file an activation function: layers without weights that map each number on its own."""
