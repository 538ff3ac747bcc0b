"""The questions of each lesson; `QUESTIONS` in each module, loaded when the lesson asks."""
