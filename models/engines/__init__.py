"""Local engines: servers that symposia starts, watches and stops. Nothing here is imported before an engine is used."""
