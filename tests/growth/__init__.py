"""Work grows with the size of what is read, and not faster."""
