"""Other people's tools, run in environments of their own through files."""
