"""The typed picture of a database schema: read it, compare two of them."""
