"""What strangers try, with pull requests and environments, and what happens then."""
