"""The YAML file: read with positions, checked against the specs, turned into one `RunSpec`."""
