"""Letters of authorities and mediation."""
