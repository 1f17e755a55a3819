"""Verifiers: what a solution, or each of its steps, is worth, and why. One protocol (:mod:`.verifier`), a module for each."""
