## gdlab finds the framing out by itself; this is FRAMING.
