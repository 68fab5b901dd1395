"""The actions of a plan, a file for each kind of object."""
