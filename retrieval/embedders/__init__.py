"""What turns texts into vectors: `devflow-static`, which ships, and the models a user may name instead."""
