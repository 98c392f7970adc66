"""Results as plain data, for whatever shows them: the terminal, a file, a page."""
