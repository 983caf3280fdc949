"""Figures and reports of a month: asked, counted anew, frozen, told."""
