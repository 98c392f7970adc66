"""Results as plain data, for the terminal, files and the HTML report."""
