"""Results for people: the picture and the table."""
