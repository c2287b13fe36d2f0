"""One file an update formula."""
