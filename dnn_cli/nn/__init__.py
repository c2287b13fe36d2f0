"""The engine: layers, losses and optimizers in NumPy, every backward pass derived by hand.

Notation   n examples, i inputs, j outputs; images are (n, h, w, c); capital letters are
           parameter matrices; dx is d(mean loss)/dx and has the shape of x
Mean       the loss divides by n, so no layer knows the size of the batch
Axes       arithmetic runs over the last axes, so that a leading axis passes through
Memory     the network owns all of it: one vector of parameters (arena), and activations,
           gradients and scratch allocated once for the largest batch (plan)
Precision  float32; float64 in gradient checks; scalars are Python floats, because NumPy's own
           silently turn float32 arrays into float64
"""
