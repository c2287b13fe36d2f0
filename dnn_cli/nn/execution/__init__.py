"""How a chain runs: memory, plans, blocks, processes; the rest of `nn` is what it says."""
