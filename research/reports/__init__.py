"""What people see of an experiment: tables, files, a plot, a verdict."""
