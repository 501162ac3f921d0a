"""Images of rows: one piece of code that is put over every resource which declares them."""
