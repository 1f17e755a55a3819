"""Tools that strategies and agents call: what a tool is, and the registry of our own and those of other packages."""
