## HOST is the computer with the notebook, as others on its network see it.
