"""What other programs captured: packets, taken apart and put together as a receiver would."""
