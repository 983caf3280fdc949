"""Taking a complaint, at the desk and from everybody outside, until it is a case."""
