## Answers gdlab at ADDRESS: its pings, which measure the time
## there and back, and everything else with the same bytes.
## Put this on any Node and press Play.
## The notebook must not echo, too: two echoes never come to an end.
