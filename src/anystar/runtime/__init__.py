"""How the process runs: files that appear whole, compiled kernels, memory, workers and clusters."""
