## Sends to gdlab, which comes to ADDRESS, and prints what it says.
## Put this on any Node and press Play.
