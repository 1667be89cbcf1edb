"""stub"""


def draw_weights(*a):
    pass


def draw_composition(*a):
    pass


def draw_extremes(*a):
    pass
