"""A campaign of faulty, hostile and damaged inputs: what AnyStar makes of each."""
