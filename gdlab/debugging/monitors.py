"""The names of the engine's own monitors, in the order in which it sends their values."""

from __future__ import annotations

from typing import Final

_NAVIGATION: Final = (
    "active_maps",
    "regions",
    "agents",
    "links",
    "polygons",
    "edges",
    "edges_merged",
    "edges_connected",
    "edges_free",
    "obstacles",
)

#: `Performance.Monitor` of Godot 4.6.3 (``main/performance.cpp``). An engine that sends fewer sends the first of them;
#: the names of what it sends beyond them and its custom monitors are not known here.
MONITORS: Final[tuple[str, ...]] = (
    "time/fps",
    "time/process",
    "time/physics_process",
    "time/navigation_process",
    "memory/static",
    "memory/static_max",
    "memory/msg_buf_max",
    "object/objects",
    "object/resources",
    "object/nodes",
    "object/orphan_nodes",
    "raster/total_objects_drawn",
    "raster/total_primitives_drawn",
    "raster/total_draw_calls",
    "video/video_mem",
    "video/texture_mem",
    "video/buffer_mem",
    "physics_2d/active_objects",
    "physics_2d/collision_pairs",
    "physics_2d/islands",
    "physics_3d/active_objects",
    "physics_3d/collision_pairs",
    "physics_3d/islands",
    "audio/driver/output_latency",
    *(f"navigation/{name}" for name in _NAVIGATION),
    "pipeline/compilations_canvas",
    "pipeline/compilations_mesh",
    "pipeline/compilations_surface",
    "pipeline/compilations_draw",
    "pipeline/compilations_specialization",
    *(f"navigation_2d/{name}" for name in _NAVIGATION),
    *(f"navigation_3d/{name}" for name in _NAVIGATION),
)
