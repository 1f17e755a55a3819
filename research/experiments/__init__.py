"""Experiments: strategies x teams x budgets x seeds on a task, run once and read many times."""
