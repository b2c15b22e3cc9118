import os, sys, urllib.request as u
got = u.urlopen(os.environ["OTTO_URL_APP"] + "/sum/2/3").read().decode()
sys.exit(0 if got == "5" else f"not 5: {got}")
