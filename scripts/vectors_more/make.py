"""Make the whole set."""

from . import blobs, files, readme, text_files
from .tools import Set


def make(root):
    s = Set(root)
    made = blobs.add(s)
    files.add(s, made)
    text_files.add(s, made)
    s.save()
    readme.write(root)
    readme.write_published(root)
