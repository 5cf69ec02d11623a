"""The generative model: random layouts of objects, their appearance and the imaging, all drawn from seeds."""
