"""Small changes of the program, each of which makes one promise of the documentation false: a test has to fail."""
