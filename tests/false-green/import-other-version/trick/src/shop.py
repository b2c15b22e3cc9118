__version__ = '1.1.0'
def load():
    return 1
