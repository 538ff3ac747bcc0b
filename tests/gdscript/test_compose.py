"""What of the parts becomes part of a script."""

from __future__ import annotations

from gdlab.gdscript.compose import compose

LINK = """
## A link.

const PORT := 1
const UNUSED := 2

var _peer := Peer.new()


func _process(delta: float) -> void:
	_peer.poll()
	_speak(delta)  #if speaks
	_hear()


# Never called, although `_hear` mentions it in a comment.
func _forgotten() -> void:
	print(UNUSED)


## A peer.
class Peer:
	const LIMIT := 3

	var size := LIMIT

	func poll() -> void:
		pass

	func unused() -> void:
		_put(self, size)
"""

KIND = """
var _number := 0


func _hear() -> void:
	# not _forgotten
	_put(_peer, NOUN % [PORT, _number])


func _speak(_delta: float) -> void:
	pass
"""


def composed(**choices: object) -> str:
    given: dict[str, object] = {"constants": {}, "names": {}, "macros": {}, "conditions": frozenset()}
    return compose([LINK, KIND], base="Node", **{**given, **choices})  # type: ignore[arg-type]


def test_only_what_is_used_stays_and_like_stands_by_like() -> None:
    assert (
        composed(
            constants={"PORT": "4242", "LIMIT": "7"},
            names={"NOUN": '"port %d, %d"'},
            macros={"_put": "{0}.send({1}.to_utf8_buffer())"},
        )
        == """\
extends Node
## A link.

const PORT := 4242

var _peer := Peer.new()
var _number := 0


func _process(delta: float) -> void:
	_peer.poll()
	_hear()


func _hear() -> void:
	# not _forgotten
	_peer.send("port %d, %d" % [PORT, _number].to_utf8_buffer())


## A peer.
class Peer:
	func poll() -> void:
		pass
"""
    )


def test_a_condition_lets_its_lines_in_and_what_they_use() -> None:
    text = composed(conditions=frozenset({"speaks"}))
    assert "\t_speak(delta)\n" in text
    assert "func _speak(" in text
    assert "#if" not in text


def test_values_and_words_are_replaced_as_wholes() -> None:
    text = composed(names={"_hear": "_listen", "_hea": "wrong"}, constants={"POR": "wrong"})
    assert "\t_listen()\n" in text
    assert "func _listen() -> void:" in text
    assert "const PORT := 1\n" in text
