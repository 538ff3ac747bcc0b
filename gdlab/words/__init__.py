"""Facts as sentences, in each language."""
