"""`python -m eyeshot` is the command `eyeshot`."""

from eyeshot.cli import main

main()
