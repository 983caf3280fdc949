"""E-mail as a way complaints come in: reading (pure), guarding against machines, threading, taking, the mailbox."""
