extends Node2D
## A player: where it is goes out always, how many steps it made only when that changes.

@export var steps := 0
