"""dnn: one YAML file becomes a trained neural network, on a pure-NumPy engine.

The floors, from the ground up; each imports only what lies below it:

    base                      errors, registry, specs, random streams, text
    nn · data                 the engine · what it is fed (never each other)
    training                  the loop, metrics, stopping rules
    config · runs · console   YAML · run directories · the terminal (never each other)
    app                       use cases: train, evaluate, predict, check
    cli                       the Typer commands
"""

__version__ = "0.2.0"
