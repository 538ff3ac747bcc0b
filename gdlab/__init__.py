"""gdlab: see, measure and teach what a Godot 4 game does on the network."""
