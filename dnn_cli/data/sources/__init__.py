"""One file a kind of source; the file name is what `type:` says in YAML."""
