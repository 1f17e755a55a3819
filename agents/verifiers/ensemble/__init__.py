"""One score made of those of several verifiers."""
