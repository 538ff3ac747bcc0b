## gdlab finds the framing out by the first bytes; this is what it takes for FRAMING.
