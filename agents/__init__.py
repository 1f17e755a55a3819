"""The roles that models play: what each asks and how its replies are read. Prompts are files."""
