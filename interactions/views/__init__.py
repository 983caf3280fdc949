"""Pages of interactions, and the door for telephony."""
