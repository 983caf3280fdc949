"""What other systems ask of contacts: TMF683 party interactions."""
