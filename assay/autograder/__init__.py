"""Build what another machine grades by: Gradescope's archive, GitHub's workflow."""
