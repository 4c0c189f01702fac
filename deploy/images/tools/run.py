"""The entry point of an image: `python -m tools.run COMMAND` runs the image's one service, named by SERVICE."""

import os
import runpy

if __name__ == "__main__":
    runpy.run_module(f"services.{os.environ['SERVICE']}", run_name="__main__", alter_sys=True)
