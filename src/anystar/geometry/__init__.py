"""Star-convex polyhedra: rays, star distances, object probability, suppression, voting, drawing, measures."""
