"""What a run shows, folded from its events. Nothing here knows Textual, a database or a clock."""
