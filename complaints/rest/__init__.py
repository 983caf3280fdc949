"""What other systems ask of complaints and tell them: TMF621 trouble tickets, and why a deadline is when it is."""
