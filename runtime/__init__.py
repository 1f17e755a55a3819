"""A run's life: session, staffing, budget ledger, journal and replay, waves, control, result. The composition root."""
