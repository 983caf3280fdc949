"""Pages of complaints, by part of the work."""
