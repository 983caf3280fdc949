"""What a person may do to a case from its page, with the form of each act."""
