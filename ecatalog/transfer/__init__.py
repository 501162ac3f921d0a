"""Rows in, rows out: sources turn files into rows, sinks turn rows into files."""
