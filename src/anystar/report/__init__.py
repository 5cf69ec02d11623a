"""Results for people: overview images, tables, meshes, figures and the HTML report."""
