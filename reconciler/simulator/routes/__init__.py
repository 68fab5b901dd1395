"""One file per resource: each turns calls into changes of the store and answers."""
