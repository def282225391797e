"""The processes beside the server (jedi, index, native models) and the clients that drive them."""
