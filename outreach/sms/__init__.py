"""The process that holds the line to the message centre, and what it writes down."""
