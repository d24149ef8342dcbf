"""Many rollouts at once: what is kept of each, and what is said of all of them."""
