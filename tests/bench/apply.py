import sys
from pathlib import Path
import django

import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
django.setup()
from checks import bus
from checks.commands.actor import Actor
from checks.commands.configuration import ApplyConfiguration
from checks.commands.document import read_document
f=Path(sys.argv[1])
bus.handle(ApplyConfiguration(documents=[read_document(str(f), f.read_bytes())]), actor=Actor("bench","file"))
