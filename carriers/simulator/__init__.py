"""Carriers that exist in one process only: they quote, book, ride and post webhooks as real ones do, or as badly."""
