"""Make the whole set."""

from . import blobs, readme
from .tools import Set


def make(root):
    s = Set(root)
    blobs.add(s)
    s.save()
    readme.write(root)
    readme.write_published(root)
