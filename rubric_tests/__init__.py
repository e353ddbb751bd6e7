"""The rubric: fresh inputs, the questions, and the tests that judge the answers."""
