"""A client (kontragent): a company or person that buys."""
