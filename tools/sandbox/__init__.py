"""Sandboxes: where code that a model wrote is run, each behind :class:`core.sandbox.Sandbox`."""
