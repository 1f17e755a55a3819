"""Finding documents by their words, by what they mean, and by both."""
