"""What other systems ask of contacts and tell of them: TMF683 party interactions."""
