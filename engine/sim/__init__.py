"""One strategy over one pack: the reference, its fast restatements, and what they return."""
