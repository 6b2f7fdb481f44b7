"""The quickstart's own material: six suites and three small models, and how both are made."""
