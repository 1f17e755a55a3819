"""An example of extending symposia: a strategy, a verifier, a tool and an engine in a package of their own."""
