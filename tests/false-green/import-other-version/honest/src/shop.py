__version__ = '1.2.0'
def load():
    return 1
