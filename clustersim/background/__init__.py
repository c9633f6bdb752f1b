"""Verbs in processes of their own: asked for, watched, cancelled, while who asked goes on."""
