"""Marks the repository root as a package so that editors resolve ``from ..models import x``; it is not shipped."""
