"""What happened, as data: the closed vocabulary of reasons."""
