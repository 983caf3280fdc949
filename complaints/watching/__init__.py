"""The clock on complaints: what reached a mark or falls due, to whom it goes, each once."""
