"""Measuring retrieval: truth sets, corpora, baselines, metrics. Only `devflow eval` imports it."""
