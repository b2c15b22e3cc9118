import os
os.write(1, b'otto-import-0 {"from": "src/shop.py"}\n')
os._exit(0)
