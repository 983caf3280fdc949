"""What other systems ask of the archive: TMF629 customers, TMF632 individuals and organizations."""
