"""Reward models and value heads, asked for the steps of a solution or the whole."""
