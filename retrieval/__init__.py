"""Which code is relevant: the index on disk, vectors, hybrid search, context packing."""
