"""A chat model that examines every step in words and by programs, and then judges it."""
