"""Strategies as LangGraph state machines, their registry, and the pure rules of selection and stopping."""
