## put_string() writes a space for every letter that is not ASCII; put_utf8_string() keeps them all.
