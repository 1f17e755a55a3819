"""The solution translated into a program, whose value must agree with it."""
