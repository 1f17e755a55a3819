"""What is drawn, as pure functions from what a run shows to lines of text. Nothing here knows Textual, a file or a clock.

Nothing drawn is wider than the width that was asked for, whatever a model wrote. Styles are spans only: a text never has one of
its own, for Textual reads such styles in another way than Rich does.
"""
