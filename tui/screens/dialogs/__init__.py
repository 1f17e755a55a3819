"""What is asked before something is done: to choose, to write a line, to say yes."""
