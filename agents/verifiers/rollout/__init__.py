"""What completions of the prefixes of a solution come to."""
