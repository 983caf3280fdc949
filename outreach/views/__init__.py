"""Pages of outreach: follow-ups, messages, the bell."""
