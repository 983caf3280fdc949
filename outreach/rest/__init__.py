"""What other systems ask of messages and have sent: TMF681 communication messages."""
