"""For every rule of `gdlab.findings` two captures of the real engine: one that shows it, one without the fault."""
