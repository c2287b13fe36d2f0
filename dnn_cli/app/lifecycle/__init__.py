"""The life of a run: starting, saving, going on; the rest of `app` is one use case a file."""
