"""An item (nomenklatura): what is sold."""
