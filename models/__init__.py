"""What a model can do: protocols, engines, router and the one guarded way off the machine."""
