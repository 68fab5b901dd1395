"""What people and machines read: the only code that prints."""
