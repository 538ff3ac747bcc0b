"""Godot's high-level multiplayer (`SceneMultiplayer` over ENet and WebSocket) taken apart. Pure."""
