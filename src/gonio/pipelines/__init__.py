"""The project's pipelines, one folder each: thin nodes and a list of them."""
