"""``python -m symposia.cli``."""

from . import main

main()
