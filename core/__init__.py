"""What every layer shares: types, protocols, errors, answers and randomness. Imports nothing else of symposia."""
