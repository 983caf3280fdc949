"""SMPP 3.4 as an ESME speaks it: PDUs, texts, the line's address, one session. Knows nothing of messages and tables."""
