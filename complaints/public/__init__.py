"""What everybody sees without signing in: the form and the status of a complaint."""
