"""A chat model that is asked whether a solution, or a step of it, is correct."""
