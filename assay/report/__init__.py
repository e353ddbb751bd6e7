"""Reports: pure functions from a result to the text and pictures of its pages."""
