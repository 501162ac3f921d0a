"""The production checklist as a command: every point is looked at live, none is taken from memory."""
