"""One file a course of the learning rate."""
