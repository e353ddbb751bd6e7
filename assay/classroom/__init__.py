"""A class: who is in it, what a learning platform gave, what goes back to it.

It stands above everything but the command line. What a submission holds is read by the intake
alone; this room finds what to hand to it, and under which pseudonym.
"""
