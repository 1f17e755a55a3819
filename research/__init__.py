"""Tasks, graders, statistics, experiments and their reports."""
