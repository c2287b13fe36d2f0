"""One file a layer; the file name is what `type:` says in YAML."""
