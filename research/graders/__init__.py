"""Whether an answer is right, and why: one rule a module."""
