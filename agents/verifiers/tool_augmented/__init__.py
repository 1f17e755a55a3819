"""A chat model that checks a solution with tools before it judges it."""
