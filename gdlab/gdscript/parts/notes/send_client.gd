## Sends to gdlab at ADDRESS, and prints what comes back.
## Put this on any Node and press Play.
