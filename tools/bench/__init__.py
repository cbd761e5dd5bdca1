"""What the collector costs in time, memory and requests, beside what people usually write."""
