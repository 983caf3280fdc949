"""What customers ask of their data: access, copy, correction, deletion, explanation, closing (D§5.11)."""
