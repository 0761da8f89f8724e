"""What the scripts of this folder are told: the path of a JSON file is their only argument."""

import json
import sys

with open(sys.argv[1]) as _file:
    spec = json.load(_file)
