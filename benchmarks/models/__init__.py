"""`make bench-models`: what the models layer costs and holds back."""
