"""A catalog as the models of an ORM, and as SQL for what its language cannot say. Pure functions."""
