"""The chart on a real API server: all that it renders is accepted, its selectors and policies do what they say."""
