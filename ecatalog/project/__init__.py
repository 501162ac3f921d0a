"""A project: what clients and items belong to."""
