extends Node2D
## A player: where it is goes out always, its steps only when they change.

@export var steps := 0
