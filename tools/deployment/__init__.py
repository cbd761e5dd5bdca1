"""Where each file of the package works, the topologies, and the page and pictures made of both."""
