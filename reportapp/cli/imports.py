"""`flask import`: the school's data from files."""

from flask.cli import AppGroup

from reportapp.cli.imports_oneroster import oneroster
from reportapp.cli.imports_records import attendance, marks

imports = AppGroup("import", help="The school's data from files.")
for command in (oneroster, attendance, marks):
    imports.add_command(command)
