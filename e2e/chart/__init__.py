"""The chart on a real API server: everything that it renders is accepted, and its selectors and policies do what they say."""
