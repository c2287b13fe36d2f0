"""The ground floor: what every other room may use and nothing else may change."""
