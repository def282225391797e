"""Measuring ghost text (`devflow eval inline`): places, systems, figures, replays."""
