"""The store: runs with their leases, journals, events, candidates and controls, on SQLAlchemy."""
