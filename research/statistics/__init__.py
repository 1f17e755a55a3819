"""Statistics of experiments: pure functions on arrays."""
