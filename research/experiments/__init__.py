"""Experiments: strategies × teams × budgets × seeds on a task, run once and read many times."""
