"""A small real cluster on free loopback ports: for the tests, and for whoever wants to try things without one."""
