"""What each automatic step contributes: one switched off at a time."""
