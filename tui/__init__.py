"""The terminal application: a reader of the event log that also writes control records.

``store`` folds events into what is shown and ``render`` draws that, both without Textual; ``widgets`` and ``screens`` are thin.
"""
