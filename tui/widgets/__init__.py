"""Thin widgets: each shows what a function of ``render`` draws."""
