"""Who calls, extends, tests and reaches whom: questions to the code graph, answered from the stores."""
